import type { Connection } from "../config.ts";
import type { Context } from "../context.ts";
import { Failure, type FailureKind, messageOf } from "../exit-codes.ts";
import { ChildError, readOutput } from "../system/child.ts";
import type { WalConfig } from "./config.ts";

/** What the commands for physical backups work with. */
export interface Wal {
  config: WalConfig;
  connection: Connection;
}

/** The part of the configuration for physical backups. Fails as `usage` where the site has none. */
export function walOf({ config }: Context): Wal {
  const { wal, cluster } = config;
  if (wal === undefined) {
    throw new Failure("usage", "the configuration has no section wal: this cluster has no physical backups");
  }
  return { config: wal, connection: { ...cluster, role: wal.role ?? cluster.role } };
}

/** Options that every call takes. Nothing secret: the secrets are in files of `includeDirectory`. */
export function commonOptions({ configFile, includeDirectory, stanza }: WalConfig): string[] {
  return [`--config=${configFile}`, `--config-include-path=${includeDirectory}`, `--stanza=${stanza}`];
}

/** The archive_command that the site wants. */
export function archiveCommand(wal: WalConfig): string {
  const { settings, program } = wal;
  return settings.archiveCommand ?? `${program} ${commonOptions(wal).join(" ")} archive-push %p`;
}

/**
 * Runs pgBackRest, on a path of the repository where the command takes one, and returns what it answers. Fails with the kind that its exit code means, see {@link kindOfExit}.
 */
export async function pgBackRest(
  wal: WalConfig,
  command: string,
  options: readonly string[],
  signal: AbortSignal,
  path?: string,
): Promise<string> {
  const args = [
    ...commonOptions(wal),
    // Standard output is for the answer.
    "--log-level-console=off",
    "--log-level-stderr=warn",
    "--no-log-timestamp",
    ...options,
    command,
    ...(path === undefined ? [] : [path]),
  ];
  try {
    return await readOutput([{ file: wal.program, args, env: environment() }], { signal });
  } catch (error) {
    signal.throwIfAborted();
    const kind = error instanceof ChildError ? kindOfExit(error.code) : "other";
    throw new Failure(kind, `pgbackrest ${command}: ${messageOf(error)}`, { cause: error });
  }
}

/** Complete: variables named `PGBACKREST_…` would change options behind the configuration's back. */
export function environment(): Record<string, string> {
  return { PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin", LC_ALL: "C.UTF-8" };
}

/** By pgBackRest's exit code, from the table of errors in its source (build/error.yaml). */
const kinds: Readonly<Record<number, FailureKind>> = {
  // File, checksum, format or backup set do not hold what they should.
  26: "verification",
  28: "verification",
  29: "verification",
  44: "verification",
  45: "verification",
  51: "verification",
  75: "verification",
  82: "verification",
  95: "verification",
  // Configuration and options.
  27: "usage",
  31: "usage",
  32: "usage",
  37: "usage",
  // Versions, paths, archiving that is off, a cluster that is not the stanza's, `pgbackrest stop`.
  40: "preflight",
  46: "preflight",
  58: "preflight",
  62: "preflight",
  68: "preflight",
  73: "preflight",
  87: "preflight",
  50: "busy",
  56: "unreachable",
  80: "unreachable",
  // The repository's host or service does not answer, or refuses us.
  49: "offsite",
  101: "offsite",
  105: "offsite",
};

/** What an exit code of pgBackRest means for the caller; an unknown one, or none at all, is `other`. */
export function kindOfExit(code: number | null): FailureKind {
  return (code === null ? undefined : kinds[code]) ?? "other";
}
