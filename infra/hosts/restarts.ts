import { isDeepStrictEqual } from "node:util";
import * as pulumi from "@pulumi/pulumi";

/** Properties of a guest that it takes over only when it is started anew: the provider restarts it for them. */
const restarting = [
  "agent",
  "cpu",
  "initialization",
  "memory",
  "networkDevices",
  "operatingSystem",
  "scsiHardware",
  "serialDevices",
];

type Inputs = Readonly<Record<string, unknown>>;

/** What of a change makes the guest restart, such as `cpu.cores 2 → 4`; nothing where it is not running anyway. */
export function restartReasons(before: Inputs, after: Inputs): string[] {
  if (before.started === false || after.started === false) return [];
  return restarting.flatMap((name) => differences(name, before[name], after[name]));
}

function differences(path: string, before: unknown, after: unknown): string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isObject(before) && isObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => differences(`${path}.${key}`, before[key], after[key]));
  }
  return [`${path} ${shown(before)} → ${shown(after)}`];
}

function shown(value: unknown): string {
  return value === undefined ? "(none)" : JSON.stringify(value);
}

function isObject(value: unknown): value is Inputs {
  return typeof value === "object" && value !== null;
}

/**
 * A hook for updates of guests that says, also in a preview, which of them restart and why: the diff alone shows an
 * update like any other. Replacements need none, the engine names them itself.
 */
export function restartWarning(name: string): pulumi.ResourceHook {
  return new pulumi.ResourceHook(
    name,
    async ({ name: guest, oldInputs = {}, newInputs = {} }) => {
      const reasons = restartReasons(oldInputs, newInputs);
      if (reasons.length > 0)
        await pulumi.log.warn(`guest ${guest} restarts for this: ${reasons.join(", ")}`);
    },
    { onDryRun: true },
  );
}
