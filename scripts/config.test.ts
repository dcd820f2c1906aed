import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { configSchema, loadConfig } from "./config.ts";
import { parseVersion } from "./postgres/tools.ts";

test("a cluster's name and role suffice", () => {
  const config = configSchema.parse({ cluster: { name: "pg01", role: "keeper" } });
  expect(config).toMatchObject({
    cluster: { socketDirectory: "/var/run/postgresql", port: 5432, maintenanceDatabase: "postgres" },
    databases: "all",
    directory: "/mnt/backup/postgresql",
    compression: { zstdLevel: 1 },
    retention: { keepDays: 30, keepValidated: 3, requireOffsite: false },
  });
});

test("every mistake is named at once, unknown keys too", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dbkeeper-config-"));
  const path = join(folder, "config.json");
  await writeFile(
    path,
    JSON.stringify({ cluster: { name: "../up", role: "keeper" }, retention: { keepDays: 0, keepWeeks: 3 } }),
  );
  const failure: unknown = await loadConfig(path).catch((error: unknown) => error);
  await rm(folder, { recursive: true });
  expect(failure).toMatchObject({ kind: "usage" });
  const { message } = failure as Error;
  for (const part of ["cluster.name", "retention.keepDays", "keepWeeks"]) expect(message).toContain(part);
});

test("a retention that would keep nothing by itself is refused", () => {
  const cluster = { name: "pg01", role: "keeper" };
  expect(configSchema.safeParse({ cluster, retention: { keepValidated: 5 } }).error?.message).toContain(
    "keeps nothing",
  );
  expect(configSchema.parse({ cluster, retention: { keepDaily: 7 } }).retention.keepDays).toBeUndefined();
});

test("a client program's major is read from what it says", () => {
  const major = (text: string) => Number.parseInt(parseVersion(text), 10);
  expect(major("pg_dump (PostgreSQL) 16.4 (Ubuntu 16.4-0ubuntu0.24.04.2)")).toBe(16);
  expect(major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)")).toBe(15);
  expect(major("pg_dump (PostgreSQL) 18beta1")).toBe(18);
});
