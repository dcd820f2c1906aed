import type { Context } from "../context.ts";
import { formatBytes, formatSeconds } from "../events.ts";
import { connect } from "../postgres/session.ts";
import { type ArchiverFacts, type ArchiverVerdict, judgeArchiver, readArchiver } from "./archiver.ts";
import { type DrillResult, readHistory } from "./drill-result.ts";
import { type Backup, type Info, problemsOf, readInfo } from "./info.ts";
import { walOf } from "./pgbackrest.ts";
import { listArchivedWal } from "./repository.ts";
import { findGaps, type Gap } from "./segments.ts";

/** What `dbkeeper wal status --json` prints. Times are Unix seconds. A stable interface. */
export interface WalStatus {
  cluster: string;
  stanza: string;
  archiver: ArchiverVerdict & {
    lastArchived: string | null;
    lastArchivedAgeSeconds: number | null;
    lastFailed: string | null;
    lastFailedAgeSeconds: number | null;
    archivedCount: number;
    failedCount: number;
    readySegments: number;
    oldestReadySeconds: number | null;
    walBytes: number;
  };
  /** pgBackRest's own verdict on the stanza; code 0 is good. */
  stanzaStatus: Info["status"];
  /** What is not good about it; empty where all is. */
  stanzaProblems: string[];
  /** Oldest first. */
  backups: (Backup & { ageSeconds: number })[];
  repositories: {
    repository: number;
    /** Backups and WAL together. */
    bytes: number;
    /** Age of the oldest backup, which is how far back recovery reaches. */
    oldestBackupSeconds: number | null;
    gaps: Gap[];
  }[];
  lastDrill: DrillResult | null;
  lastPassingDrill: DrillResult | null;
  /** By repository. */
  lastPassingDrills: DrillResult[];
}

/** Reads what is there; changes nothing. */
export async function readWalStatus(context: Context): Promise<WalStatus> {
  const { config, connection } = walOf(context);
  const { name } = context.config.cluster;
  const session = await connect(connection, connection.maintenanceDatabase);
  // The server first: what it archives meanwhile is then in the repository, and no gap.
  const facts = await readArchiver(session).finally(() => session.close());
  const info = await readInfo(config, context.signal);
  const archived = await listArchivedWal(config, info.archives, context.signal);
  const drills = await readHistory(config.directory, name);
  const backups = info.backups.map((backup) => ({ ...backup, ageSeconds: facts.now - backup.stoppedAt }));
  const numbers = new Set([...archived, ...backups].map(({ repository }) => repository));
  return {
    cluster: name,
    stanza: config.stanza,
    archiver: archiverPart(facts, config.archiveDelaySeconds),
    stanzaStatus: info.status,
    stanzaProblems: problemsOf(info),
    backups,
    repositories: [...numbers].map((repository) => {
      const own = backups.filter((backup) => backup.repository === repository);
      const wal = archived.find((candidate) => candidate.repository === repository);
      return {
        repository,
        bytes: own.reduce((sum, backup) => sum + backup.repositoryBytes, wal?.bytes ?? 0),
        oldestBackupSeconds: own[0]?.ageSeconds ?? null,
        gaps: findGaps({
          present: wal?.segments ?? [],
          needed: own.map(({ walStart }) => walStart),
          current: facts.currentSegment ?? undefined,
          waiting: facts.ready,
          segmentBytes: facts.segmentBytes,
        }),
      };
    }),
    lastDrill: drills.at(-1) ?? null,
    lastPassingDrill: drills.findLast(({ verdict }) => verdict === "pass") ?? null,
    lastPassingDrills: [
      ...new Map(
        drills.filter(({ verdict }) => verdict === "pass").map((one) => [one.repository, one]),
      ).values(),
    ],
  };
}

/** The gaps that no archiving will close. */
export function lostSegments(status: WalStatus): (Gap & { repository: number })[] {
  return status.repositories.flatMap(({ repository, gaps }) =>
    gaps.filter((gap) => gap.class === "MISSING_LOST").map((gap) => ({ ...gap, repository })),
  );
}

/** The status for people. */
export function formatWalStatus(status: WalStatus): string {
  const { archiver } = status;
  const age = (seconds: number | null) => (seconds === null ? "never" : `${formatSeconds(seconds)} ago`);
  const lines = [
    `${status.cluster}, stanza ${status.stanza} (${status.stanzaProblems.join("; ") || "ok"})`,
    `archiver: ${archiver.state}, ${archiver.reason}`,
    `last archived: ${archiver.lastArchived ?? "nothing"}, ${age(archiver.lastArchivedAgeSeconds)}`,
    `last failed: ${archiver.lastFailed ?? "nothing"}, ${age(archiver.lastFailedAgeSeconds)}`,
    `waiting: ${archiver.readySegments} segments; pg_wal: ${formatBytes(archiver.walBytes)}`,
    ...status.backups.map(
      ({ label, ageSeconds, clusterBytes, repositoryBytes, repository, pageErrors }) =>
        `backup ${label} in repository ${repository}: ${formatSeconds(ageSeconds)} old, ${formatBytes(clusterBytes)}, added ${formatBytes(repositoryBytes)}${pageErrors ? ", with wrong pages" : ""}`,
    ),
    ...status.repositories.flatMap(({ repository, bytes, gaps }) => [
      `repository ${repository}: ${formatBytes(bytes)}, ${gaps.length === 0 ? "no gap" : `${gaps.length} gaps`}`,
      ...gaps.map((gap) => `  ${gap.class} ${gap.first} to ${gap.last} (${gap.segments})`),
    ]),
    `last drill: ${status.lastDrill === null ? "never" : `${status.lastDrill.verdict} at ${status.lastDrill.finishedAt}`}`,
    `last passing drill: ${status.lastPassingDrill?.finishedAt ?? "never"}`,
  ];
  return `${lines.join("\n")}\n`;
}

function archiverPart(facts: ArchiverFacts, delaySeconds: number): WalStatus["archiver"] {
  const since = (time: number | null) => (time === null ? null : Math.max(0, facts.now - time));
  return {
    ...judgeArchiver(facts, delaySeconds),
    lastArchived: facts.lastArchived,
    lastArchivedAgeSeconds: since(facts.lastArchivedAt),
    lastFailed: facts.lastFailed,
    lastFailedAgeSeconds: since(facts.lastFailedAt),
    archivedCount: facts.archivedCount,
    failedCount: facts.failedCount,
    readySegments: facts.ready.length,
    oldestReadySeconds: since(facts.oldestReadyAt),
    walBytes: facts.walBytes,
  };
}
