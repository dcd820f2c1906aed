// Before everything that loads the SDK.
import "./pulumi-sdk.ts";

import { setTimeout as delay } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { startOwnPlugins } from "./own-plugins.ts";
import { readSettings, requireSecretsOf } from "./settings.ts";
import { SiteError } from "./site/problems.ts";
import { parseSite, type Site } from "./site.ts";
import { readStack, type Stack } from "./stack.ts";

/** Several calls, one after the other, each a millisecond or two. Where it is too short, only time is lost. */
const timeToAskForPluginsMs = 20;

/** The program: one site, read once, and everything that is made of it. */
export default async function program(): Promise<pulumi.Inputs> {
  const settings = readSettings();
  const stack = await readStack(pulumi.getStack());
  const site = siteOf(stack, settings.machine);
  requireSecretsOf(site, settings);
  const plugins = startOwnPlugins(settings);
  // Loading holds up this thread, so the engine has to be asked for the plugins before: they start meanwhile.
  await delay(timeToAskForPluginsMs);
  const { buildLab } = await import("./program.ts");
  return buildLab(site, settings, plugins);
}

function siteOf(stack: Stack, machine: unknown): Site {
  try {
    return parseSite(stack(machine));
  } catch (error) {
    // A wrong site is the user's to mend: the list of problems says more than a stack trace.
    if (error instanceof SiteError)
      throw new pulumi.RunError(`stacks/${pulumi.getStack()}.ts: ${error.message}`);
    throw error;
  }
}
