import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BackupServer } from "../infra/backup/backup-server.ts";
import * as pbs from "../infra/pbs/index.ts";
import { pbs as definition } from "../infra/pbs/provider.ts";
import { parseSite, type Site } from "../infra/site.ts";
import { listBackups, openBackup, readBackup, type SnapshotId } from "../rehearsal/pbs/backup-client.ts";
import { admin, type Login, openTestServer, streamOf, type TestServer } from "../rehearsal/pbs/testing.ts";
import { findPulumi, type TestStack, testStack } from "../rehearsal/providers/testing.ts";
import drStack from "../stacks/dr.ts";
import labStack from "../stacks/lab.ts";

const engine = await findPulumi();
if (!engine) console.warn("skipped: pulumi is missing; ./lab doctor names the way");

const store = "lab-backups";
const encryptionKey = randomBytes(32);
const archive = "drive-scsi0.img.fidx";
/** More than one chunk, the last one short. */
const content = randomBytes((4 << 20) + 1000);
const night = (day: number): SnapshotId => ({
  type: "vm",
  id: "2002",
  time: Date.UTC(2026, 2, day, 2) / 1000,
});

/** A token that somebody made by hand, as a site's sync jobs need one on the other server. */
async function handMade(server: TestServer, id: string, role: string, namespace: string): Promise<Login> {
  const [userid = "", token = ""] = id.split("!");
  await server.call("POST", "/access/users", { userid });
  const { data } = await server.call("POST", `/access/users/${userid}/token/${token}`);
  for (const who of [userid, id])
    await server.call("PUT", "/access/acl", {
      path: `/datastore/${store}/${namespace}`,
      role,
      "auth-id": who,
    });
  return { token: id, secret: (data as { value: string }).value };
}

/** The site's jobs with the other server where it is in this test. */
function syncWith(site: Site, { port, fingerprint }: TestServer): Site["pbs"] {
  const sync = site.pbs.sync.map((job) => ({
    ...job,
    remote: { ...job.remote, host: "127.0.0.1", port, fingerprint },
  }));
  return { ...site.pbs, sync };
}

const { retentions, ...dr } = drStack();
const pushed = { datastore: store, namespace: "pushed", pruneSchedule: "05:00", keepDaily: 7 };
const sites = {
  dr: parseSite({ ...dr, retentions: { ...retentions, pushed } }),
  lab: parseSite({
    ...labStack(),
    pbs: {
      ...labStack().pbs,
      sync: [
        {
          id: "to-dr",
          retention: "critical-daily",
          direction: "push",
          remote: {
            host: "pbs02.radioastronomy.io",
            datastore: store,
            namespace: "pushed",
            tokenId: "lab@pbs!push",
          },
          schedule: "07:00",
        },
      ],
    },
  }),
};

describe.skipIf(!engine)("copies of backups on a second server", { timeout: 120_000 }, () => {
  let now = new Date(Date.UTC(2026, 2, 2, 6, 30));
  let servers: { readonly lab: TestServer; readonly dr: TestServer };
  const stacks: TestStack[] = [];
  let nodes: { readonly lab: Login; readonly dr: Login };
  let pusher: Login;

  beforeAll(async () => {
    const clock = { now: () => now, scheduleSeconds: 0 };
    servers = { lab: await openTestServer(clock), dr: await openTestServer(clock) };
    const reader = await handMade(servers.lab, "dr@pbs!sync", "DatastoreReader", "critical");
    pusher = await handMade(servers.dr, "lab@pbs!push", "DatastoreBackup", "pushed");
    const passwords: Record<string, string> = { "from-lab": reader.secret, "to-dr": pusher.secret };
    const build = async (name: "lab" | "dr"): Promise<Login> => {
      const stack = await testStack(engine ?? "", definition, async () => {
        const { simulator, fingerprint } = servers[name];
        const { token: tokenId, secret: tokenSecret } = admin;
        const provider = new pbs.Provider(name, { url: simulator.url, tokenId, tokenSecret, fingerprint });
        const built = new BackupServer(
          name,
          {
            siteName: name,
            pbs: syncWith(sites[name], servers[name === "lab" ? "dr" : "lab"]),
            retentions: sites[name].retentions,
            disposable: false,
            syncPassword: (id) => passwords[id],
            channels: sites[name].monitoring.channels,
            smtpPassword: "never used",
            channelSecret: () => "never used",
          },
          { providers: [provider] },
        );
        return { token: built.clientTokenId, secret: built.clientTokenSecret };
      });
      stacks.push(stack);
      const { token, secret } = (await stack.stack.up()).outputs;
      return { token: String(token?.value), secret: String(secret?.value) };
    };
    nodes = { lab: await build("lab"), dr: await build("dr") };
  });
  afterAll(async () => {
    for (const stack of stacks) await stack.close();
    await Promise.allSettled([servers?.lab.close(), servers?.dr.close()]);
  });

  const target = (namespace: string, as: Login) => servers.dr.target(store, as, { namespace, encryptionKey });

  async function backup(snapshot: SnapshotId): Promise<void> {
    const namespace = "critical";
    const session = await openBackup(
      servers.lab.target(store, nodes.lab, { namespace, encryptionKey }),
      snapshot,
    );
    await session.upload(archive, streamOf(content));
    await session.finish({ notes: "proj-pg01" });
    // Only what has been verified is copied, which happens to each backup once it is there.
    await servers.lab.simulator.tasks.idle();
  }

  /** Moves the clock, and lets both servers start what has become due. */
  async function passUntil(moment: Date): Promise<void> {
    for (const time of [now, moment]) {
      now = time;
      for (const { simulator } of [servers.lab, servers.dr]) {
        await simulator.runDue();
        await simulator.tasks.idle();
      }
    }
  }

  const syncTasks = (server: TestServer) =>
    server.simulator.tasks.list().filter(({ worker_type }) => worker_type === "syncjob");

  it("are made by the jobs that the sites declare, when those are due", async () => {
    await backup(night(1));
    await backup(night(2));
    await passUntil(new Date(Date.UTC(2026, 2, 2, 6, 59)));
    expect([...syncTasks(servers.lab), ...syncTasks(servers.dr)]).toEqual([]);
    await passUntil(new Date(Date.UTC(2026, 2, 2, 7, 1)));
    for (const name of ["lab", "dr"] as const)
      expect(syncTasks(servers[name])).toMatchObject([{ status: "OK" }]);
    expect(await listBackups(target("from-lab", nodes.dr))).toMatchObject([
      { ...night(2), owner: nodes.dr.token, comment: "proj-pg01" },
      night(1),
    ]);
    expect(await listBackups(target("pushed", pusher))).toMatchObject([
      { ...night(2), owner: pusher.token, verification: { state: "ok" } },
      night(1),
    ]);
  });

  it("bring a guest back when the first server and all that it held are gone", async () => {
    await servers.lab.close();
    for (const from of [target("from-lab", nodes.dr), target("pushed", pusher)]) {
      const parts: Uint8Array[] = [];
      for await (const part of await readBackup(from, night(2), archive)) parts.push(part);
      expect(Buffer.concat(parts).equals(content)).toBe(true);
    }
    now = new Date(Date.UTC(2026, 2, 3, 7, 1));
    await servers.dr.simulator.runDue();
    await servers.dr.simulator.tasks.idle();
    // The job fails loudly, and what it copied before stays.
    expect(syncTasks(servers.dr).find(({ status }) => status !== "OK")?.status).toMatch(/ECONNREFUSED/);
    expect(await listBackups(target("from-lab", nodes.dr))).toHaveLength(2);
  });
});
