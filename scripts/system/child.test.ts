import { expect, test } from "vitest";
import { readOutput, redact, runPipeline } from "./child.ts";

const env = { PATH: process.env.PATH ?? "" };
const never = new AbortController().signal;
const shell = (script: string) => ({ file: "sh", args: ["-c", script], env });

test("programs are connected and the output of the last is read whole", async () => {
  const output = await readOutput([shell("seq 1 200000"), shell("cat"), shell("tail -n 1")], {
    signal: never,
  });
  expect(output).toBe("200000\n");
});

test("a text is what the first program reads", async () => {
  const input = "x".repeat(300_000);
  expect(await readOutput([shell("cat"), shell("wc -c")], { signal: never, input })).toBe("300000\n");
  expect(await readOutput([shell("head -c 1")], { signal: never, input })).toBe("x");
});

test("a failure in front of a pipe is a failure, with the last lines it wrote", async () => {
  const run = readOutput([shell("echo first; echo why >&2; exit 3"), shell("cat")], { signal: never });
  await expect(run).rejects.toThrow("sh ended with code 3: why");
});

test("an end by signal is a failure", async () => {
  await expect(runPipeline([shell("kill -KILL $$")], { signal: never })).rejects.toThrow(
    "was ended by SIGKILL",
  );
});

test("a program that is not there is a failure that names it", async () => {
  const run = runPipeline([{ file: "/nowhere/zstd", args: [], env }, shell("cat")], { signal: never });
  await expect(run).rejects.toThrow(/zstd cannot run: .*ENOENT/);
});

test("what cannot be started ends what was to read from it", async () => {
  const children = () => process.getActiveResourcesInfo().filter((name) => name === "ProcessWrap").length;
  await expect.poll(children, { timeout: 10_000 }).toBe(0);
  const stages = [{ file: "echo", args: ["x".repeat(2 ** 22)], env }, shell("exec cat")];
  await expect(runPipeline(stages, { signal: never })).rejects.toThrow(/echo cannot run: .*E2BIG/);
  await expect.poll(children, { timeout: 10_000 }).toBe(0);
});

test("a consumer that fails ends the programs", async () => {
  const consume = async () => {
    throw new Error("disk full");
  };
  await expect(runPipeline([shell("yes")], { signal: never, consume })).rejects.toThrow("disk full");
});

test("an abort ends the programs", async () => {
  const controller = new AbortController();
  const run = runPipeline([shell("exec sleep 60"), shell("cat")], { signal: controller.signal });
  controller.abort(new Error("stop"));
  await expect(run).rejects.toThrow("stop");
});

test("passwords are taken out of messages", () => {
  expect(redact("host=a password='x y' user=b")).toBe("host=a password=*** user=b");
  expect(redact("postgres://me:hunter2@host/db")).toBe("postgres://me:***@host/db");
  expect(redact("ALTER ROLE me PASSWORD 'it''s'; -- x")).toBe("ALTER ROLE me PASSWORD ***; -- x");
  expect(redact("password authentication failed")).toBe("password authentication failed");
});

test("of a statement that failed only its beginning is told", () => {
  const statement =
    "Command was: CREATE USER MAPPING FOR me SERVER far OPTIONS (\n    password 'a''b',\n    \"user\" 'me'\n);\n";
  const told = redact(`pg_restore: error: no\n${statement}\npg_restore: warning: more\n${statement}`);
  const beginning = "Command was: CREATE USER MAPPING FOR …\n";
  expect(told).toBe(`pg_restore: error: no\n${beginning}pg_restore: warning: more\n${beginning}`);
});
