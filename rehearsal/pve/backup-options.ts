import { parseCalendarEvent } from "./calendar.ts";
import { boolean, integer, node, oneOf, parsed, storageId, strings, text } from "./fields.ts";
import { listOf, vmidText } from "./formats.ts";
import { parsePropertyString, parsePruneBackups } from "./property-string.ts";

/** A list of VM ids. */
export const vmidList = () => parsed(listOf(vmidText));

/** Options of a backup job; most of them are those of vzdump. */
export const jobOptions = {
  all: boolean().optional(),
  bwlimit: integer(0).optional(),
  comment: text(512).optional(),
  compress: oneOf(["0", "1", "gzip", "lzo", "zstd"]).optional(),
  enabled: boolean().optional(),
  exclude: vmidList().optional(),
  "exclude-path": strings().optional(),
  fleecing: parsed((value) => parsePropertyString(value, "enabled", ["enabled", "storage"])).optional(),
  ionice: integer(0, 8).optional(),
  lockwait: integer(0).optional(),
  mailto: text().optional(),
  mailnotification: oneOf(["always", "failure"]).optional(),
  mode: oneOf(["snapshot", "suspend", "stop"]).optional(),
  node: node().optional(),
  "notes-template": text(1024).optional(),
  "notification-mode": oneOf(["auto", "legacy-sendmail", "notification-system"]).optional(),
  "pbs-change-detection-mode": oneOf(["legacy", "data", "metadata"]).optional(),
  performance: parsed((value) =>
    parsePropertyString(value, undefined, ["max-workers", "pbs-entries-max"]),
  ).optional(),
  pigz: integer().optional(),
  pool: text().optional(),
  protected: boolean().optional(),
  "prune-backups": parsed(parsePruneBackups).optional(),
  remove: boolean().optional(),
  "repeat-missed": boolean().optional(),
  schedule: parsed(checkSchedule).optional(),
  stopwait: integer(0).optional(),
  storage: storageId().optional(),
  vmid: vmidList().optional(),
  zstd: integer().optional(),
};

function checkSchedule(value: string): void {
  if (value.length > 128) throw new Error("value may only be 128 characters long");
  parseCalendarEvent(value);
}
