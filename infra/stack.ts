import { existsSync, readdirSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type { SiteInput } from "./site.ts";

const stacksDirectory = new URL("../stacks/", import.meta.url);

/** A site as a function of what only the machine knows that it is built on. */
export type Stack = (machine: unknown) => SiteInput;

/**
 * The site of a stack: the default export of `stacks/<stack>.ts`.
 * @throws RunError naming the stacks that exist where there is none of that name.
 */
export async function readStack(name: string): Promise<Stack> {
  const file = new URL(`${name}.ts`, stacksDirectory);
  if (!existsSync(file)) {
    const known = readdirSync(stacksDirectory)
      .filter((entry) => entry.endsWith(".ts"))
      .map((entry) => entry.replace(/\.ts$/, ""));
    throw new pulumi.RunError(`there is no stacks/${name}.ts; the stacks are ${known.join(", ")}`);
  }
  const module: { readonly default: Stack } = await import(file.href);
  return module.default;
}
