import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Context } from "../context.ts";
import { hasCode } from "../system/files.ts";
import { runsFolder } from "./runs.ts";

const unfinished = /^\.\d{8}T\d{6}Z\.partial$/;

/** Removes the runs that were ended while they were written or removed. Only under the cluster's lock. */
export async function removeUnfinished({ config, report }: Context): Promise<void> {
  const folder = runsFolder(config.directory, config.cluster.name);
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  for (const name of names.filter((each) => unfinished.test(each))) {
    await rm(join(folder, name), { recursive: true, force: true });
    report.event("warning", "partial-removed", `removed the unfinished run ${name}`);
  }
}
