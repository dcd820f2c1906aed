import { cp, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { readManifest, writeManifest } from "../../../scripts/runs/manifest.ts";
import { runsFolder } from "../../../scripts/runs/runs.ts";
import { type Host, makeRun } from "../archive-world.ts";
import { type Beginning, type Ground, type Lane, makeWorld } from "./lane.ts";
import { runsOf } from "./picture.ts";

/** Backup folders that worlds begin with. */
export interface Templates {
  /** A run that was dumped, and one that was also proven. */
  unproven: Beginning;
  proven: Beginning;
  /** Four proven runs of four days. */
  four: Beginning;
  encrypted: Beginning;
  /** A run of a large file and of small ones. */
  large: Beginning;
}

export async function makeTemplates(
  ground: Ground,
  lane: Lane,
  encryption: NonNullable<ReturnType<NonNullable<Beginning["config"]>>["encryption"]>,
): Promise<Templates> {
  const [unproven, proven, encrypted, large] = await Promise.all([
    madeBy(ground, lane, "dump"),
    madeBy(ground, lane, "run"),
    madeBy(ground, lane, "dump", { config: () => ({ encryption }) }),
    makeLarge(ground),
  ]);
  return { unproven, proven, encrypted, large, four: await fourOf(ground, proven) };
}

async function madeBy(
  ground: Ground,
  lane: Lane,
  command: string,
  beginning: Beginning = {},
): Promise<Beginning & { before: string[] }> {
  const world = await makeWorld(ground, lane, beginning);
  const { code, output } = await world.run(command);
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${output}`);
  const backup = join(world.folder, "backup");
  await rm(join(backup, "history"), { recursive: true });
  return { backup, before: await runsOf(world) };
}

async function fourOf({ folder }: Ground, { backup = "", before = [] }: Beginning): Promise<Beginning> {
  const to = join(folder, "four");
  const ids = [];
  for (const day of ["01", "02", "03", "04"]) {
    const id = `202606${day}T020000Z`;
    const target = join(runsFolder(to, "pg01"), id);
    await mkdir(runsFolder(to, "pg01"), { recursive: true });
    await cp(join(runsFolder(backup, "pg01"), before[0] ?? ""), target, { recursive: true });
    const time = `2026-06-${day}T02:00:00.000Z`;
    await writeManifest(target, { ...(await readManifest(target)), startedAt: time, finishedAt: time });
    ids.push(id);
  }
  return { backup: to, before: ids };
}

async function makeLarge({ folder }: Ground): Promise<Beginning> {
  const backup = join(folder, "large");
  const id = "20260601T020000Z";
  const sizes = { "large.dump": 6 * 1024 ** 2, "a/toc.dat": 200_000, "a/1.dat": 20_000, "globals.sql": 1000 };
  await makeRun({ runs: runsFolder(backup, "pg01") } as Host, id, sizes);
  return { backup, before: [id] };
}
