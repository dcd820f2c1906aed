import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { HttpsCaller, textOf } from "../lib/https.ts";
import type { Instance } from "./instance.ts";
import { ports, pveTokenId } from "./services.ts";

const storages = z.array(z.looseObject({ storage: z.string(), type: z.string() }));
const content = z.array(
  z.looseObject({
    vmid: z.number(),
    ctime: z.number(),
    verification: z.looseObject({ state: z.string() }).optional(),
  }),
);

/** A backup on a storage as far as it matters whether it could be restored. */
export type BackupItem = z.output<typeof content>[number];

const timeoutMs = 5000;

/** When each guest was last backed up, in seconds since 1970, by VM id: what the storages of the cluster list. */
export async function lastVmBackups(instance: Instance): Promise<ReadonlyMap<number, number>> {
  const caller = new HttpsCaller(
    { host: instance.hostAddress, port: ports.pve },
    { caCertificate: await readFile(join(instance.folder, "tls", "ca.pem"), "utf8") },
  );
  const timer = setTimeout(() => caller.close(), timeoutMs);
  const authorization = `PVEAPIToken=${pveTokenId}=${instance.secrets.pveToken}`;
  const get = async (path: string): Promise<unknown> => {
    const answer = await caller.call("GET", `/api2/json/nodes/pve1/storage${path}`, { authorization });
    const text = await textOf(answer);
    if (answer.status !== 200)
      throw new Error(`the cluster answered ${answer.status} to ${path}: ${text.trim()}`);
    return (JSON.parse(text) as { data: unknown }).data;
  };
  try {
    const pbs = storages.parse(await get("?content=backup")).filter(({ type }) => type === "pbs");
    const items = await Promise.all(
      pbs.map(async ({ storage }) => content.parse(await get(`/${storage}/content?content=backup`))),
    );
    return newestGood(items.flat());
  } finally {
    clearTimeout(timer);
    caller.close();
  }
}

/** The newest backup of each guest, without those that failed their verification. */
export function newestGood(items: readonly BackupItem[]): ReadonlyMap<number, number> {
  const newest = new Map<number, number>();
  for (const { vmid, ctime, verification } of items) {
    if (verification?.state === "failed") continue;
    newest.set(vmid, Math.max(ctime, newest.get(vmid) ?? 0));
  }
  return newest;
}
