import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { type Credentials, startAws, type TestAws } from "../../rehearsal/s3/proxy-testing.ts";
import type { ArchiveList } from "../../scripts/archive/list.ts";
import { type Gate, openGate } from "./archive-gate.ts";
import { type Host, type HostSetup, makeBucket, makeHost, makeUsers, mixed } from "./archive-world.ts";

/** The run that most tests copy. */
export const id = "20260601T020000Z";
/** A later one. */
export const later = "20260602T020000Z";

/** Sizes of the files of a run of one object. */
export const small = { "some.dump": 300_000, "globals.sql": 1000 };

/** What the tests of one file share: an S3 server behind a gate, two buckets, a writer and a reader. */
export interface ArchiveSuite {
  readonly aws: TestAws;
  readonly users: { readonly writer: Credentials; readonly reader: Credentials };
  readonly gate: Gate;
  /** A host whose requests pass the gate, with a prefix that no other test uses. */
  newHost(more?: Partial<HostSetup>): Promise<Host>;
  /** Has a host removed in the end. */
  own(host: Host): Host;
  /** The parts that passed the gate, by their numbers. */
  partsSent(): (string | undefined)[];
}

/** Makes it before the tests of a file, and removes it and their hosts afterwards. */
export function useArchive(motoServer: string): ArchiveSuite {
  let aws: TestAws;
  let users: ArchiveSuite["users"];
  let gate: Gate;
  let hostCount = 0;
  const hosts: Host[] = [];

  beforeAll(async () => {
    aws = await startAws(motoServer);
    gate = await openGate(() => aws.plainUrl);
    await makeBucket(aws, "dumps", 30);
    await makeBucket(aws, "unlocked");
    users = await makeUsers(aws, ["dumps", "unlocked"]);
  });
  afterEach(async () => {
    gate.decide = () => "pass";
    gate.seen.length = 0;
    for (const host of hosts.splice(0)) await rm(host.folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await gate?.close();
    await aws?.close();
  });

  const own = (host: Host) => {
    hosts.push(host);
    return host;
  };
  return {
    get aws() {
      return aws;
    },
    get users() {
      return users;
    },
    get gate() {
      return gate;
    },
    own,
    async newHost(more = {}) {
      const archive = { bucket: "dumps", endpoint: gate.url };
      const host = own(await makeHost({ archive, writer: users.writer, ...more }));
      hostCount += 1;
      await host.configure({ prefix: `proj-pg01/${hostCount}` });
      return host;
    },
    partsSent: () => gate.seen.filter((one) => one.includes("part ")).map((one) => one.split(" ")[2]),
  };
}

/** Runs a command that must end well; gives what it wrote. */
export async function expectDone(host: Host, ...argv: string[]): Promise<string> {
  const outcome = await host.run(...argv);
  expect(outcome.code, outcome.output).toBe(0);
  return outcome.output;
}

/** What `archive list` tells. */
export async function listOf(host: Host): Promise<ArchiveList["runs"]> {
  return (JSON.parse(await expectDone(host, "archive", "list")) as ArchiveList).runs;
}

/** The files of a run of {@link mixed}. */
export async function contentOf(host: Host, run = id): Promise<Buffer[]> {
  return await Promise.all(Object.keys(mixed).map((name) => readFile(join(host.runs, run, name))));
}

/** Whether each of the files is as it was. */
export function same(now: readonly Buffer[], before: readonly Buffer[]): boolean {
  return now.length === before.length && now.every((one, index) => one.equals(before[index] ?? Buffer.of()));
}
