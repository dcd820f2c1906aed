import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { withThrowawayStack } from "../../rehearsal/lab/preview.ts";
import type { Recording } from "./recording.ts";

/** What today's program would do to a resource that an earlier commit made. */
export interface Change {
  readonly op: string;
  readonly urn: string;
  /** Properties whose change asks for a replacement. */
  readonly reasons: readonly string[];
}

interface Step {
  readonly op: string;
  readonly urn: string;
  readonly replaceReasons?: readonly string[];
}

/** Previews today's program on a recorded state; gives the steps that change something. */
export async function changesSince({ stack, config, state }: Recording): Promise<Change[]> {
  return withThrowawayStack(
    stack,
    async (engine, folder) => {
      // The engine encrypts what is imported, and reads from the state itself how.
      const stackFile = parse(await readFile(join(folder, `Pulumi.${stack}.yaml`), "utf8"));
      const secrets = { type: "passphrase", state: { salt: stackFile.encryptionsalt } };
      const deployment = { ...state.deployment, secrets_providers: secrets };
      await engine.run(["stack", "import"], { input: JSON.stringify({ ...state, deployment }) });
      const { steps } = JSON.parse(await engine.run(["preview", "--json"])) as { readonly steps: Step[] };
      return steps
        .filter(({ op }) => op !== "same")
        .map(({ op, urn, replaceReasons = [] }) => ({ op, urn, reasons: replaceReasons }));
    },
    { config },
  );
}

/**
 * Why a replacement is no loss, by type. A snippet cannot be changed in place on PVE; its guest refers to it by a name
 * that stays, and reads it at the first boot only.
 */
const harmless: ReadonlySet<string> = new Set(["proxmoxve:index/fileLegacy:FileLegacy"]);

/** The changes by which somebody loses something: replacements and deletions of what exists. */
export function lossesOf(changes: readonly Change[]): string[] {
  return changes
    .filter(({ op, urn }) => !["create", "update"].includes(op) && !harmless.has(typeOf(urn)))
    .map(({ op, urn, reasons }) => {
      const why = reasons.length > 0 ? ` because of ${reasons.join(", ")}` : "";
      return `${op} ${urn}${why}`;
    });
}

/** The type of a URN without those of its parents. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}
