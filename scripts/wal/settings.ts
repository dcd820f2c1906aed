import type { Session } from "../postgres/session.ts";
import type { WalConfig } from "./config.ts";
import { archiveCommand } from "./pgbackrest.ts";

/** A setting as the server has it. */
export interface ServerSetting {
  name: string;
  /** In the unit of {@link ExpectedSetting}: as `SHOW` would tell, except for numbers. */
  value: string;
  /** Where the value comes from: `configuration file`, `command line`, `default`, … */
  source: string;
  /** `null` where it is not from a file, or the role may not see it. */
  file: string | null;
  line: number | null;
  /** It is changed in a file, but the server has to restart for it. */
  pendingRestart: boolean;
}

/** What the site wants of a setting. */
interface ExpectedSetting {
  name: string;
  /** The wanted value for people. */
  wanted: string;
  fulfils(value: string): boolean;
}

/** A setting that is not what, or not where, the site wants it. */
export interface Deviation {
  name: string;
  value: string;
  wanted: string;
  /** Who sets it, with file and line where it is from one. */
  setBy: string;
  /** `value` is wrong; `pending` needs a restart; `elsewhere` is right, but not from the site's file. */
  kind: "value" | "pending" | "elsewhere";
}

/** The settings that archiving and physical backups rest on. */
export function expectedSettings(wal: WalConfig): ExpectedSetting[] {
  const { settings } = wal;
  const atLeast = (name: string, bound: number, unit = ""): ExpectedSetting => ({
    name,
    wanted: `at least ${bound}${unit}`,
    fulfils: (value) => Number(value) >= bound,
  });
  const oneOf = (name: string, ...values: readonly string[]): ExpectedSetting => ({
    name,
    wanted: values.map((value) => JSON.stringify(value)).join(" or "),
    fulfils: (value) => values.includes(value),
  });
  return [
    oneOf("wal_level", "replica", "logical"),
    oneOf("archive_mode", "on", "always"),
    oneOf("archive_command", archiveCommand(wal)),
    // A library would take the command's place.
    oneOf("archive_library", ""),
    {
      name: "archive_timeout",
      wanted: `1 to ${settings.archiveTimeoutSeconds} s`,
      fulfils: (value) => Number(value) >= 1 && Number(value) <= settings.archiveTimeoutSeconds,
    },
    atLeast("max_wal_senders", settings.maxWalSenders),
    atLeast("wal_keep_size", settings.keepMib, " MiB"),
  ];
}

/** Reads the settings of that name; those that this version does not have are left out. */
export async function readSettings(session: Session, names: readonly string[]): Promise<ServerSetting[]> {
  return await session.rows<ServerSetting & Record<string, unknown>>(
    `select name, setting as value, source, sourcefile as file, sourceline as line, pending_restart as "pendingRestart"
       from pg_settings where name = any($1) order by name`,
    [names],
  );
}

/** Compares what is with what is wanted. `file` is the only file that may set them, where the site names one. */
export function findDeviations(
  expected: readonly ExpectedSetting[],
  settings: readonly ServerSetting[],
  file: string | undefined,
): Deviation[] {
  return expected.flatMap(({ name, wanted, fulfils }) => {
    const setting = settings.find((candidate) => candidate.name === name);
    if (setting === undefined) return [];
    const found = (kind: Deviation["kind"]) => [
      { name, value: setting.value, wanted, setBy: originOf(setting), kind },
    ];
    if (!fulfils(setting.value)) return found(setting.pendingRestart ? "pending" : "value");
    if (setting.pendingRestart) return found("pending");
    // A default that is good needs nobody to set it.
    const elsewhere = file !== undefined && setting.source !== "default" && setting.file !== file;
    return elsewhere ? found("elsewhere") : [];
  });
}

/** One sentence for people. */
export function describeDeviation({ name, value, wanted, setBy, kind }: Deviation): string {
  const sentence = `${name} is ${JSON.stringify(value)}, set by ${setBy}`;
  if (kind === "elsewhere") return `${sentence}, which wins over the delivered file; remove it there`;
  if (kind === "pending") return `${sentence}, and changed since: restart the server`;
  return `${sentence}; wanted is ${wanted}`;
}

function originOf({ source, file, line }: ServerSetting): string {
  if (file !== null) return `${file} line ${line ?? "?"}`;
  return source === "default" ? "nobody (it is the default)" : `the ${source}`;
}
