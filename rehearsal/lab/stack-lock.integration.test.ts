import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../../tools/find.ts";
import { waitFor } from "../lib/wait.ts";
import { type Engine, EngineError, type EngineOptions, withEngine } from "./engine.ts";
import { checkout } from "./instance.ts";
import { freeStack, StackLockedError, stackLocks } from "./stack-lock.ts";

const engine = await findTool("pulumi");
if (!engine) console.warn("skipped: pulumi is missing; ./lab doctor names the way");

/** It ends when there is a file `go`, and says by a file that it has begun. */
const program = `
const { existsSync, writeFileSync } = require("node:fs");
module.exports = async () => {
  writeFileSync("begun", "");
  while (!existsSync("go")) await new Promise((resolve) => setTimeout(resolve, 20));
};
`;

describe.skipIf(!engine)("two engines on one stack", { timeout: 120_000 }, () => {
  let options: EngineOptions;
  beforeAll(async () => {
    const root = await mkdtemp(join(tmpdir(), "lab-two-engines-"));
    options = { root, backend: join(root, "backend"), passphrase: "x", stack: "held", standIns: false };
    await symlink(join(checkout, "node_modules"), join(root, "node_modules"));
    await writeFile(join(root, "Pulumi.yaml"), "name: held\nruntime: nodejs\nmain: index.js\n");
    await writeFile(join(root, "package.json"), '{"name":"held","version":"1.0.0"}');
    await writeFile(join(root, "index.js"), program);
  });
  afterAll(() => rm(options.root, { recursive: true, force: true }));

  const up = (running: Engine) => running.run(["up", "--yes", "--skip-preview"]);
  const free = (running: Engine) => freeStack(running, options.backend, options.stack);
  const failureOf = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  it("lets one through, says who it is, and goes on after it was killed", () =>
    withEngine(options, async (running) => {
      await running.run(["stack", "init", options.stack]);
      expect(await free(running)).toBe(0);
      const first = failureOf(up(running));
      await waitFor(async () => (await readdir(options.root)).includes("begun"), {
        what: "the first update to begin",
        timeoutSeconds: 60,
      });
      const [lock] = await stackLocks(options.backend, options.stack);
      const { pid = 0, timestamp = "" } = lock?.owner ?? {};
      expect(lock?.held).toBe(true);

      for (const refused of [await failureOf(up(running)), await failureOf(free(running))]) {
        expect(refused).toBeInstanceOf(StackLockedError);
        expect(refused).toMatchObject({
          message: `\`pulumi\` (pid ${pid}) has been changing this stack since ${timestamp}`,
          hint: "wait until it has ended, or end it",
          exitCode: 75,
        });
      }

      process.kill(pid, "SIGKILL");
      expect(await first).toBeInstanceOf(EngineError);
      await writeFile(join(options.root, "go"), "");
      expect(await failureOf(up(running))).toMatchObject({
        message: `\`pulumi\` (pid ${pid}) was killed while it changed this stack, and left its lock`,
        hint: "`./lab up` removes the lock and settles what was left open; `./lab pulumi -- cancel` removes only the lock",
        exitCode: 75,
      });
      expect(await free(running)).toBe(1);
      await up(running);
      expect(await stackLocks(options.backend, options.stack)).toEqual([]);
    }));

  it("removes a lock that was cut short when the machine was switched off", () =>
    withEngine(options, async (running) => {
      const folder = join(options.backend, ".pulumi/locks/organization/held/held");
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "5b0a4cd5-8c02-4e2b-b9a8-1f2a3b4c5d6e.json"), "");
      expect(await failureOf(up(running))).toBeInstanceOf(Error);
      expect(await free(running)).toBe(1);
      await up(running);
    }));
});
