/** Where pgBackRest's configuration lies; the secrets are in a file of their own below. */
export const pgBackRestConfigFile = "/etc/pgbackrest/pgbackrest.conf";

/** Folder whose files pgBackRest reads as well. */
export const pgBackRestIncludeDirectory = "/etc/pgbackrest/conf.d";

/** The file with the passphrases and keys: only the owner of the data directory may read it (0600). */
export const pgBackRestSecretsFile = `${pgBackRestIncludeDirectory}/secrets.conf`;

/** How long backups stay, in pgBackRest's terms. */
export interface BackupRetention {
  /** Days that recovery must reach back: a full backup older than that stays while it is the newest such one. */
  readonly days: number;
  /** Differential backups that stay. */
  readonly differentials: number;
}

/** An S3 bucket that holds a second copy of backups and WAL. */
export interface S3Repository {
  readonly bucket: string;
  readonly region: string;
  /** Host name of the service, with a port where it is not 443. */
  readonly endpoint: string;
  /** Key prefix, with a leading slash. */
  readonly path: string;
  /**
   * Where access keys come from: `shared` from the secrets file, `auto` from the role of the machine, `web-id` from a
   * token that the machine is given.
   */
  readonly keyType: "shared" | "auto" | "web-id";
  /** `path` for services that do not answer on a host name for each bucket. */
  readonly uriStyle: "host" | "path";
  /** File of the authority that signed the service's certificate; undefined is the system's list. */
  readonly authorityFile?: string;
  readonly retention: BackupRetention;
}

/** What {@link pgBackRestConfig} is made of. */
export interface PgBackRestArgs {
  readonly stanza: string;
  readonly dataDirectory: string;
  readonly port: number;
  readonly socketDirectory: string;
  /** Role that pgBackRest connects as; needs what {@link physicalBackupGrants} grants. */
  readonly role: string;
  /** Processors of the host. */
  readonly cores: number;
  /** pgBackRest's version, such as `2.45`: block incremental backups came with 2.46. */
  readonly version: string;
  /** Folder of the local repository. */
  readonly repositoryPath: string;
  readonly retention: BackupRetention;
  readonly s3?: S3Repository;
  /** Folder where segments wait for the repositories; WAL stays in pg_wal until all have it. */
  readonly spoolPath: string;
  readonly logPath: string;
}

/** Secrets of the repositories. */
export interface PgBackRestSecrets {
  /** Passphrase of the local repository. Keep a copy off this host: without it no backup can be read. */
  readonly localPassphrase: string;
  /** Passphrase of the S3 repository. */
  readonly s3Passphrase?: string;
  /** Only with key type `shared`. */
  readonly s3Key?: { readonly id: string; readonly secret: string };
}

/** pgBackRest's configuration without anything secret. */
export function pgBackRestConfig(args: PgBackRestArgs): string {
  const { s3 } = args;
  return [
    section("global", {
      ...repository(1, args.retention, args),
      "repo1-path": args.repositoryPath,
      ...(s3 && {
        ...repository(2, s3.retention, args),
        "repo2-type": "s3",
        "repo2-path": s3.path,
        "repo2-s3-bucket": s3.bucket,
        "repo2-s3-region": s3.region,
        "repo2-s3-endpoint": s3.endpoint,
        "repo2-s3-key-type": s3.keyType,
        "repo2-s3-uri-style": s3.uriStyle,
        ...(s3.authorityFile === undefined ? {} : { "repo2-storage-ca-file": s3.authorityFile }),
      }),
      "compress-type": "zst",
      "compress-level": 3,
      // A quarter of the processors, as its guide advises: the database has the others.
      "process-max": Math.max(1, Math.floor(args.cores / 4)),
      // A segment is pushed while the server goes on, and several at once after an interruption.
      "archive-async": "y",
      "spool-path": args.spoolPath,
      "log-path": args.logPath,
      "log-level-file": "info",
      "log-level-console": "warn",
      // A backup must not wait for the next checkpoint, minutes away.
      "start-fast": "y",
    }),
    // Nothing else works on the host then.
    section("global:restore", { "process-max": Math.max(1, args.cores) }),
    section(args.stanza, {
      "pg1-path": args.dataDirectory,
      "pg1-port": args.port,
      "pg1-socket-path": args.socketDirectory,
      "pg1-user": args.role,
      "pg1-database": "postgres",
    }),
  ].join("\n");
}

/**
 * The secrets' part of the configuration: to be delivered as sensitive, mode 0600. Fails on a passphrase that could
 * not be read back as it is, or is too short to be one.
 */
export function pgBackRestSecrets({ localPassphrase, s3Passphrase, s3Key }: PgBackRestSecrets): string {
  return section("global", {
    "repo1-cipher-pass": passphrase("local", localPassphrase),
    ...(s3Passphrase === undefined ? {} : { "repo2-cipher-pass": passphrase("S3", s3Passphrase) }),
    ...(s3Key && { "repo2-s3-key": s3Key.id, "repo2-s3-key-secret": s3Key.secret }),
  });
}

/** Settings of the server by which its WAL is archived. `timeoutSeconds` is how much may be lost at most. */
export function archiveSettings(stanza: string, timeoutSeconds: number): Record<string, string | number> {
  return {
    archive_mode: "'on'",
    archive_command: `'${archiveCommand(stanza)}'`,
    archive_timeout: timeoutSeconds,
  };
}

/** What the server runs for each segment; the runtime's configuration holds the server's against it. */
export function archiveCommand(stanza: string): string {
  return `pgbackrest --config=${pgBackRestConfigFile} --config-include-path=${pgBackRestIncludeDirectory} --stanza=${stanza} archive-push %p`;
}

/**
 * SQL that lets a role, which is in `pg_monitor`, take physical backups and drill, run in the database `postgres`; no
 * superuser is needed. `version` is PostgreSQL's major version.
 */
export function physicalBackupGrants(role: string, version: number): string {
  const functions = [
    // 15 dropped exclusive backups, and with them the old names.
    ...(version >= 15
      ? ["pg_backup_start(text, boolean)", "pg_backup_stop(boolean)"]
      : ["pg_start_backup(text, boolean, boolean)", "pg_stop_backup(boolean, boolean)"]),
    "pg_create_restore_point(text)",
    "pg_switch_wal()",
  ];
  return [
    ...functions.map((name) => `GRANT EXECUTE ON FUNCTION pg_catalog.${name} TO ${role};\n`),
    // The rows by which drills prove a recovery.
    `CREATE SCHEMA IF NOT EXISTS dbkeeper AUTHORIZATION ${role};\n`,
  ].join("");
}

function repository(
  number: number,
  { days, differentials }: BackupRetention,
  { version }: PgBackRestArgs,
): Record<string, string | number> {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const blocks = major > 2 || (major === 2 && minor >= 46);
  const options = {
    "cipher-type": "aes-256-cbc",
    "retention-full-type": "time",
    "retention-full": days,
    "retention-diff": differentials,
    bundle: "y",
    ...(blocks ? { block: "y" } : {}),
  };
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [`repo${number}-${key}`, value]));
}

function passphrase(of: string, text: string): string {
  if (/^[\x21-\x7e]{24,}$/.test(text)) return text;
  throw new Error(
    `the passphrase of the ${of} repository must have at least 24 characters, all printable ASCII and no space`,
  );
}

function section(name: string, options: Readonly<Record<string, string | number>>): string {
  const lines = Object.entries(options).map(([key, value]) => `${key}=${value}\n`);
  return `[${name}]\n${lines.join("")}`;
}
