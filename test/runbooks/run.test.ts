import { expect, it } from "vitest";
import { problemOf } from "./run.ts";

const ended = { exitCode: 0, signal: undefined, stdout: "", stderr: "" };
const look = { language: "sh", changes: false } as const;

it.each([
  ["ends with another code than 0", { exitCode: 3 }, "ended with 3"],
  ["was killed", { exitCode: undefined, signal: "SIGKILL" }, "ended with SIGKILL"],
  ["waits for input", { exitCode: 124 }, "did not end within 90 s"],
  ["prints nothing", {}, "prints nothing"],
  ["goes on after a wrong line", { stdout: "none\n", stderr: "bash: x: command not found\n" }, "hides"],
  ["reads a file that is not there", { stdout: "none\n", stderr: "cat: No such file or directory" }, "hides"],
])("a look that %s helps nobody", (_, result, says) => {
  expect(problemOf(look, { ...ended, ...result })).toContain(says);
});

it("what changes something may do so in silence, and a look that says something is good", () => {
  expect(problemOf({ language: "sh", changes: true }, ended)).toBeUndefined();
  expect(problemOf(look, { ...ended, stdout: "active\n" })).toBeUndefined();
});
