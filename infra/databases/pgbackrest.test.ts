import { expect, test } from "vitest";
import {
  archiveCommand,
  archiveSettings,
  type PgBackRestArgs,
  pgBackRestConfig,
  pgBackRestSecrets,
  physicalBackupGrants,
} from "./pgbackrest.ts";

const args: PgBackRestArgs = {
  stanza: "pg01",
  dataDirectory: "/var/lib/postgresql/15/main",
  port: 5432,
  socketDirectory: "/var/run/postgresql",
  role: "backup",
  cores: 8,
  version: "2.45",
  repositoryPath: "/mnt/backup/postgresql/pgbackrest",
  retention: { days: 30, differentials: 7 },
  spoolPath: "/var/spool/pgbackrest",
  logPath: "/var/log/pgbackrest",
};
const s3 = {
  bucket: "lab-wal",
  region: "eu-central-1",
  endpoint: "s3.eu-central-1.amazonaws.com",
  path: "/pg01",
  keyType: "shared",
  uriStyle: "host",
  retention: { days: 90, differentials: 14 },
} as const;

test("every repository is encrypted, keeps what the site states, and is never told a secret", () => {
  const text = pgBackRestConfig({ ...args, s3 });
  for (const [number, days] of [
    [1, 30],
    [2, 90],
  ]) {
    expect(text).toContain(`repo${number}-cipher-type=aes-256-cbc\n`);
    expect(text).toContain(`repo${number}-retention-full-type=time\nrepo${number}-retention-full=${days}\n`);
  }
  expect(text).not.toMatch(/cipher-pass|s3-key=|key-secret/);
  expect(pgBackRestConfig(args)).not.toContain("repo2");
});

test("a quarter of the processors takes backups, all of them restore", () => {
  expect(pgBackRestConfig(args)).toMatch(/process-max=2\n[^[]*\n\[global:restore\]\nprocess-max=8\n/);
  expect(pgBackRestConfig({ ...args, cores: 2 })).toMatch(/process-max=1\n[^[]*\[global:restore\]/);
});

test("block incremental backups are asked for only where pgBackRest knows them", () => {
  expect(pgBackRestConfig(args)).not.toContain("repo1-block");
  expect(pgBackRestConfig({ ...args, version: "2.46" })).toContain("repo1-block=y\n");
  expect(pgBackRestConfig({ ...args, version: "3.0" })).toContain("repo1-block=y\n");
});

test("a passphrase that could not be read back is refused without being told", () => {
  const good = "correct-horse-battery-staple";
  expect(pgBackRestSecrets({ localPassphrase: good })).toBe(`[global]\nrepo1-cipher-pass=${good}\n`);
  for (const bad of ["short", `${good} `, `${good}\nrepo1-path=/`]) {
    const render = () => pgBackRestSecrets({ localPassphrase: good, s3Passphrase: bad });
    expect(render).toThrow(/^the passphrase of the S3 repository must have at least 24 characters/);
    expect(render).not.toThrow(bad);
  }
});

test("the server archives through the stanza", () => {
  expect(archiveSettings("pg01", 300)).toMatchObject({ archive_mode: "'on'", archive_timeout: 300 });
  expect(archiveCommand("pg01")).toMatch(/--stanza=pg01 archive-push %p$/);
});

test("the grants name the functions that the version has", () => {
  expect(physicalBackupGrants("keeper", 15)).toContain("pg_backup_start(text, boolean) TO keeper;");
  expect(physicalBackupGrants("keeper", 14)).toContain("pg_start_backup(text, boolean, boolean) TO keeper;");
});
