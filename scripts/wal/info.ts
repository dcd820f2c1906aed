import * as z from "zod";
import { Failure } from "../exit-codes.ts";
import type { WalConfig } from "./config.ts";
import { pgBackRest } from "./pgbackrest.ts";

/** A physical backup in the repository. */
export interface Backup {
  label: string;
  type: "full" | "diff" | "incr";
  /** Unix time in seconds; pgBackRest cuts fractions off. */
  startedAt: number;
  stoppedAt: number;
  /** Size of the cluster, and of what this backup added to the repository. */
  clusterBytes: number;
  repositoryBytes: number;
  /** First and last WAL segment that it needs to be consistent. */
  walStart: string;
  walStop: string;
  /** Pages whose checksum was wrong while it was taken. */
  pageErrors: boolean;
  /** Number of the repository it is in. */
  repository: number;
}

/** What pgBackRest knows of a stanza. */
export interface Info {
  /** 0 is good; otherwise pgBackRest's own words say what is not. */
  status: { code: number; message: string };
  /** Oldest first. */
  backups: Backup[];
  /** Folders of archived WAL, such as `15-1`, with the repository each is in; the newest last. */
  archives: { id: string; repository: number }[];
  /** Every repository of the configuration, with pgBackRest's verdict on the stanza in it. */
  repositories: { repository: number; status: Info["status"] }[];
}

const status = z.object({ code: z.int(), message: z.string() });

const infoSchema = z.array(
  z.object({
    name: z.string(),
    status,
    repo: z.array(z.object({ key: z.int(), status })).default([]),
    archive: z.array(z.object({ id: z.string(), database: z.object({ "repo-key": z.int() }) })).default([]),
    backup: z
      .array(
        z.object({
          label: z.string(),
          type: z.enum(["full", "diff", "incr"]),
          error: z.boolean().nullish(),
          archive: z.object({ start: z.string().nullish(), stop: z.string().nullish() }),
          database: z.object({ "repo-key": z.int() }),
          info: z.object({ size: z.number(), repository: z.object({ delta: z.number().nullish() }) }),
          timestamp: z.object({ start: z.int(), stop: z.int() }),
        }),
      )
      .default([]),
  }),
);

/** Asks pgBackRest for the stanza. Fails as `preflight` where it does not know it. */
export async function readInfo(wal: WalConfig, signal: AbortSignal): Promise<Info> {
  return parseInfo(await pgBackRest(wal, "info", ["--output=json"], signal), wal.stanza);
}

/**
 * Fails as `preflight` where no repository can be read and has the stanza, which is not the same as having no backup
 * yet.
 */
export function requireRepository({ status, repositories }: Info, stanza: string): void {
  if (isReadable(status) || repositories.some((one) => isReadable(one.status))) return;
  throw new Failure(
    "preflight",
    `pgBackRest says of stanza ${stanza}: ${status.message}; is the repository's disk mounted? \`dbkeeper wal setup\` makes a stanza that was never made`,
  );
}

/** What is wrong with the stanza, by repository where there are several; empty where it is good in each. */
export function problemsOf({ status, repositories }: Pick<Info, "status" | "repositories">): string[] {
  const bad = repositories.filter((one) => one.status.code !== 0);
  if (bad.length > 0 && repositories.length > 1)
    return bad.map(({ repository, status: { message } }) => `in repository ${repository}: ${message}`);
  return status.code === 0 ? [] : [status.message];
}

/** Whether the repository was read: 0 is good and 2 is no backup yet, in pgBackRest's own numbers. */
export function isReadable({ code }: Info["status"]): boolean {
  return code === 0 || code === 2;
}

/** Reads the answer of `pgbackrest info --output=json`. */
export function parseInfo(text: string, stanza: string): Info {
  const found = infoSchema.parse(JSON.parse(text)).find(({ name }) => name === stanza);
  if (found === undefined) {
    throw new Failure("preflight", `pgBackRest knows no stanza ${stanza}; \`dbkeeper wal setup\` makes it`);
  }
  return {
    status: found.status,
    backups: found.backup
      .map((backup) => ({
        label: backup.label,
        type: backup.type,
        startedAt: backup.timestamp.start,
        stoppedAt: backup.timestamp.stop,
        clusterBytes: backup.info.size,
        repositoryBytes: backup.info.repository.delta ?? 0,
        walStart: backup.archive.start ?? "",
        walStop: backup.archive.stop ?? "",
        pageErrors: backup.error === true,
        repository: backup.database["repo-key"],
      }))
      .toSorted((a, b) => a.stoppedAt - b.stoppedAt),
    repositories: found.repo.map(({ key, status: own }) => ({ repository: key, status: own })),
    archives: found.archive.map(({ id, database }) => ({ id, repository: database["repo-key"] })),
  };
}
