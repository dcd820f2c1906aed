import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { createProgram } from "./main.ts";

const lab = (...args: string[]) =>
  execa(process.execPath, [join(import.meta.dirname, "main.ts"), ...args], { reject: false });

test("help shows examples and succeeds", async () => {
  const { exitCode, stdout, stderr } = await lab("--help");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("Examples:");
});

test("every command explains itself with an example", () => {
  const commands = createProgram().commands;
  expect(commands.length).toBeGreaterThan(0);
  for (const command of commands) {
    let help = "";
    command.configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    expect(help, command.name()).toContain("$ ./lab");
  }
});

test("an unknown command is answered with the nearest one and exit code 2", async () => {
  const { exitCode, stderr } = await lab("docotr");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("Did you mean doctor?");
});

test("a wrong option is a usage error as well", async () => {
  expect((await lab("logs", "pve", "--lines", "many")).exitCode).toBe(2);
  expect((await lab("logs")).exitCode).toBe(2);
});

test("a backup of what is no database host is refused, with those that are", async () => {
  const { exitCode, stderr } = await lab("backup", "now", "--host", "proj-mon01");
  expect(exitCode).toBe(2);
  expect(stderr).toContain("hint: there is proj-pg01");
});

test("the version is the package's", async () => {
  expect((await lab("--version")).stdout).toMatch(/^\d+\.\d+\.\d+$/);
});

test("an error for the user has no stack", async () => {
  const { exitCode, stderr } = await lab("logs", "no-such-service");
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/^error: no log of a service named "no-such-service"\nhint: .*$/);
});

test("a preview of a stack that does not exist names those that do", async () => {
  const { exitCode, stdout, stderr } = await lab("preview", "nope");
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toBe("error: there is no stacks/nope.ts\nhint: the stacks are dr, lab, rehearsal");
});

test("a reader that goes away, as `| head` does, is no error", async () => {
  const running = execa(process.execPath, [join(import.meta.dirname, "main.ts"), "--help"], {
    reject: false,
  });
  running.stdout.destroy();
  const { exitCode, stderr } = await running;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
});
