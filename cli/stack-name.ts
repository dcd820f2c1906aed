import { exitCodes, UserError } from "./terminal.ts";

/** Fails for the user where `stacks/` has no such file, naming those that it has. */
export async function requireStack(name: string): Promise<void> {
  const { stackNames } = await import("../rehearsal/lab/stack.ts");
  const known = await stackNames();
  if (known.includes(name)) return;
  throw new UserError(`there is no stacks/${name}.ts`, {
    hint: `the stacks are ${known.join(", ")}`,
    exitCode: exitCodes.usage,
  });
}
