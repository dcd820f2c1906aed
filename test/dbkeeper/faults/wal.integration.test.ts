import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWalHost, whySkipped } from "../../wal/host.ts";
import { idOf } from "./kinds.ts";
import type { Lane } from "./lane.ts";
import { buildProgram } from "./program.ts";
import { type Case, describeCase, everyCase, oneCaseEach, type Recorded, record, tryCase } from "./sweep.ts";
import { makeOwned, makeWalScenarios, type WalGround } from "./wal-world.ts";

/**
 * `all`: every fault of every call, which takes a quarter of an hour; else one of each place that starts pgBackRest,
 * the scratch server or pg_amcheck. A drill takes seconds, so that its scratch files are for `all` alone; the lock, the
 * metrics and how files are written are tried with the other commands too.
 */
const whole = process.env.DBKEEPER_SWEEP === "all";
const startsProgram = ({ call }: Case) => call.type === "child";

describe.skipIf(whySkipped !== undefined)(
  `every call of the commands for physical backups fails once (${whySkipped ?? "pgBackRest"})`,
  () => {
    let ground: WalGround;
    let lane: Lane;
    const recorded: Recorded[] = [];

    beforeAll(async () => {
      const host = await startWalHost({ differentials: 1 });
      lane = { cluster: host.cluster, close: () => host.stop() };
      const folder = join(host.folder, "program");
      // The injector writes there.
      await makeOwned(host, folder);
      ground = { host, program: await buildProgram(folder), age: 0 };
      for (const argv of [["setup"], ["backup", "full"], ["backup", "diff"]]) {
        const { code, output } = await host.wal(...argv);
        expect(code, output).toBe(0);
      }
    }, 120_000);

    afterAll(async () => {
      await lane?.close();
    });

    test("a command that is run twice leaves what it leaves when it is run once", async () => {
      for (const scenario of makeWalScenarios(ground)) recorded.push(await record(ground, lane, scenario));
    }, 300_000);

    test(
      "run again, a command whose call has failed leaves what it leaves undisturbed",
      async () => {
        const all = everyCase(recorded, idOf);
        expect(all).not.toEqual([]);
        const chosen = whole ? all : oneCaseEach(all.filter(startsProgram), ground.program.describe);
        const wrong: string[] = [];
        for (const one of chosen) {
          const problems = await tryCase(ground, lane, one);
          if (problems.length > 0) wrong.push(describeCase(ground, one, problems));
        }
        expect(wrong.join("\n")).toBe("");
      },
      whole ? 7_200_000 : 600_000,
    );
  },
);
