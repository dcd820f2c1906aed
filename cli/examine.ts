import type { Check } from "./checks.ts";
import { checkHost } from "./checks-host.ts";
import { checkTools } from "./checks-tools.ts";
import { formatTable, paint, type TextStream } from "./terminal.ts";

/** Everything `lab doctor` found; `remedy` is the one command to run next, if any. */
export interface Examination {
  ready: boolean;
  remedy: string | undefined;
  checks: Check[];
}

const marks = { ok: "ok", obtainable: "by up", warning: "note", missing: "MISSING" } as const;
const styles = { ok: "green", obtainable: "cyan", warning: "yellow", missing: "red" } as const;

/** Examines this machine, prints the findings and resolves to the exit code: 0 when `lab up` can do the rest. */
export async function examine(
  options: { json: boolean },
  stream: TextStream = process.stdout,
): Promise<number> {
  const [host, tools] = await Promise.all([checkHost(), checkTools()]);
  const examination = conclude([...host, ...tools]);
  stream.write(
    options.json ? `${JSON.stringify(examination, undefined, 2)}\n` : describe(examination, stream),
  );
  return examination.ready ? 0 : 1;
}

/** What the checks amount to. Packages come first: they are one command, the rest has to be done by hand. */
export function conclude(checks: Check[]): Examination {
  const missing = checks.filter((check) => check.state === "missing");
  const packages = [...new Set(missing.flatMap((check) => check.debianPackage ?? []))];
  const ready = missing.length === 0;
  return { ready, remedy: remedy(checks, missing, packages), checks };
}

function remedy(checks: readonly Check[], missing: readonly Check[], packages: readonly string[]) {
  if (packages.length > 0)
    return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  const first = missing[0];
  if (first !== undefined) return first.remedy;
  return checks.some((check) => check.state === "obtainable") ? "./lab up" : undefined;
}

function describe({ checks, ready, remedy }: Examination, stream: TextStream): string {
  const table = formatTable(
    checks,
    [
      { title: "CHECK", value: (check) => check.name },
      { title: "STATE", value: (check) => marks[check.state], style: (check) => styles[check.state] },
      { title: "DETAIL", value: (check) => check.detail },
    ],
    stream,
  );
  const open = checks.filter((check) => check.state === "missing" && check.remedy !== undefined);
  const notes = open.map((check) => `${paint("bold", check.name, stream)}: ${check.remedy}\n`).join("");
  const verdict = ready
    ? `${paint("green", "This machine can run the lab.", stream)}\n`
    : `${paint("red", "This machine cannot run the lab yet.", stream)} Preview and unit tests need none of this.\n`;
  const next = remedy === undefined ? "" : `Next: ${paint("bold", remedy, stream)}\n`;
  return `${table}\n${notes}${verdict}${next}`;
}
