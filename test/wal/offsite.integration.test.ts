import { readFile } from "node:fs/promises";
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepsRepository } from "../../infra/archive/policies.ts";
import { makeBucket, makeUser, startAws, type TestAws } from "../../rehearsal/s3/proxy-testing.ts";
import { findMotoServer } from "../../rehearsal/s3/testing.ts";
import type { WalStatus } from "../../scripts/wal/status.ts";
import { startWalHost, type WalHost, whySkipped } from "./host.ts";

const motoServer = await findMotoServer();
const why = whySkipped ?? (motoServer === undefined ? "no moto_server" : undefined);
const bucket = "lab-physical";

describe.skipIf(why !== undefined)(`a second repository in S3 (${why ?? "pgBackRest"})`, () => {
  let aws: TestAws;
  let host: WalHost;

  beforeAll(async () => {
    aws = await startAws(motoServer ?? "");
    await makeBucket(aws.s3(), bucket, false);
    const policy = keepsRepository(`arn:aws:s3:::${bucket}`, "pg01", "arn:aws:kms:eu-central-1:1:key/none");
    const { accessKeyId: id, secretAccessKey: secret } = await makeUser(aws, "physical", ...policy.Statement);
    host = await startWalHost({
      s3: {
        bucket,
        region: aws.region,
        endpoint: `localhost:${new URL(aws.url).port}`,
        path: "/pg01",
        keyType: "shared",
        uriStyle: "path",
        authorityFile: aws.authority.certPath,
        retention: { days: 90, differentials: 14 },
        key: { id, secret },
      },
    });
  }, 120_000);

  afterAll(async () => {
    await host?.stop();
    await aws?.close();
  });

  const objects = async () => {
    const { Contents = [] } = await aws.s3().send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.flatMap(({ Key }) => Key ?? []);
  };

  test("gets backups and WAL of its own, encrypted and under its prefix", async () => {
    for (const command of ["setup", "backup", "check"]) {
      const { code, output } = await host.wal(command);
      expect([command, code], output).toEqual([command, 0]);
    }
    const { backups, repositories } = JSON.parse((await host.wal("status")).output) as WalStatus;
    expect(backups.map(({ type, repository }) => [type, repository])).toEqual([
      ["full", 1],
      ["full", 2],
    ]);
    expect(repositories.map(({ gaps }) => gaps)).toEqual([[], []]);
    const keys = await objects();
    expect(keys.filter((key) => !key.startsWith("pg01/"))).toEqual([]);
    const Key = "pg01/backup/pg01/backup.info";
    const { Body } = await aws.s3().send(new GetObjectCommand({ Bucket: bucket, Key }));
    // The first bytes of what OpenSSL's format of an encrypted file begins with.
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).toString("latin1", 0, 8)).toBe("Salted__");
    const metrics = await readFile(host.metricsFile, "utf8");
    expect(metrics).toMatch(
      /dbkeeper_wal_last_backup_timestamp_seconds\{[^}]*repository="2",type="full"\} \d/,
    );
  }, 240_000);

  test("is recovered from alone: what only the other one has does not help", async () => {
    const passed = await host.wal("drill", "--repository", "2");
    expect(passed.code, passed.output).toBe(0);
    expect(passed.output).toMatch(/from \S+ in repository 2: all \d+ rows/);
    const newest = (await objects())
      .filter((key) => /\/[0-9A-F]{24}-\w+/.test(key))
      .toSorted()
      .at(-1);
    await host.cluster.sql("select pg_switch_wal()");
    expect((await host.wal("check")).code).toBe(0);
    await aws.s3().send(new DeleteObjectCommand({ Bucket: bucket, Key: newest ?? "" }));
    const checked = await host.wal("check");
    expect([checked.code, checked.output]).toEqual([
      6,
      expect.stringContaining("from repository 2 ends before"),
    ]);
    const drill = (number: string) => host.wal("drill", "--repository", number);
    expect([(await drill("2")).code, (await drill("1")).code]).toEqual([6, 0]);
  }, 240_000);
});
