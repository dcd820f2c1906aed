import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { World } from "../world.ts";

/** A backup that is put into a datastore without a client. */
export interface Planted {
  /** Path of the datastore at the server. */
  readonly path: string;
  readonly ns?: string;
  readonly type?: "vm" | "ct" | "host";
  readonly id: string;
  readonly time: string;
  readonly owner?: string;
  readonly protected?: boolean;
  readonly bytes?: number;
}

/** Puts a backup into a datastore's folder, laid out as the server does. */
export async function plantBackup(world: World, planted: Planted): Promise<void> {
  const { path, ns = "", type = "vm", id, time, owner = "root@pam", bytes = 10 } = planted;
  const levels = ns.split("/").flatMap((name) => (name === "" ? [] : ["ns", name]));
  const group = join(world.folder, "pbs/root", path, ...levels, type, id);
  const folder = join(group, time);
  await mkdir(folder, { recursive: true });
  await writeFile(join(group, "owner"), `${owner}\n`);
  const files = [{ filename: "drive-scsi0.img.fidx", size: bytes, "crypt-mode": "none" }];
  await writeFile(join(folder, "drive-scsi0.img.fidx"), "x".repeat(bytes));
  await writeFile(join(folder, "index.json.blob"), JSON.stringify({ files }));
  if (planted.protected) await writeFile(join(folder, ".protected"), "");
}

/** Daily backups of a guest at 02:00 UTC, the first on a day of January 2026. */
export async function plantDaily(
  world: World,
  planted: Omit<Planted, "time">,
  firstDay: number,
  count: number,
): Promise<void> {
  for (let day = firstDay; day < firstDay + count; day++) {
    const time = `2026-01-${String(day).padStart(2, "0")}T02:00:00Z`;
    await plantBackup(world, { ...planted, time });
  }
}
