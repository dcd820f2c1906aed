import { execa } from "execa";
import { checkout } from "../rehearsal/lab/instance.ts";
import { findTool } from "../tools/find.ts";
import { exitCodes, UserError } from "./terminal.ts";

/** Runs pulumi for one stack and gives its standard output. */
export type RunPulumi = (args: readonly string[]) => Promise<string>;

/**
 * Pulumi for a stack of the user's own backend, with the environment as `pulumi` has it.
 * @throws UserError where it is not installed, and on each call that fails
 */
export async function ownStack(name: string): Promise<RunPulumi> {
  const pulumi = await findTool("pulumi");
  if (pulumi === undefined) {
    throw new UserError("pulumi is not installed", {
      hint: "`./lab doctor` says how to get it",
      exitCode: exitCodes.unavailable,
    });
  }
  return async (args) => {
    const { exitCode, stdout, stderr } = await execa(
      pulumi.path,
      ["--non-interactive", ...args, "--stack", name],
      { cwd: checkout, reject: false, stdin: "ignore" },
    );
    if (exitCode === 0) return stdout;
    throw new UserError(`pulumi ${args[0]} ${args[1]} failed for stack ${name}: ${stderr.trim()}`, {
      hint: "log in to its backend and give its passphrase as for `pulumi preview`",
    });
  };
}
