import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../../../../tools/find.ts";
import { serve } from "../../../provider/server.ts";
import * as pbs from "../../index.ts";
import { pbs as definition } from "../../provider.ts";
import { adminToken, openWorld, type World } from "../world.ts";
import { plantDaily } from "./backups.ts";

const found = await findTool("pulumi");
if (!found) console.warn("skipped: the pulumi engine was not found; `./lab up` installs it");

describe.skipIf(!found)("the engine, at the edges", { timeout: 120_000 }, () => {
  const password = "planted-password-9027";
  let world: World;
  let folder: string;
  const plugins: { close(): void }[] = [];

  beforeAll(async () => {
    world = await openWorld();
    folder = await mkdtemp(join(tmpdir(), "lab-pbs-edges-"));
    await mkdir(join(folder, "engine/bin"), { recursive: true });
    await symlink(found?.path ?? "", join(folder, "engine/bin/pulumi"));
  });
  afterAll(async () => {
    for (const plugin of plugins) plugin.close();
    await world?.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** A stack with a plugin and a backend of its own. */
  async function stackOf(name: string, program: () => Promise<object>): Promise<Stack> {
    const plugin = await serve(definition);
    plugins.push(plugin);
    const workDir = join(folder, name);
    await mkdir(join(workDir, "backend"), { recursive: true });
    return LocalWorkspace.createOrSelectStack(
      { stackName: name, projectName: "pbs-edges", program },
      {
        pulumiCommand: await PulumiCommand.get({ root: join(folder, "engine") }),
        workDir,
        pulumiHome: join(workDir, "home"),
        envVars: {
          PATH: `${dirname(found?.path ?? "")}${delimiter}${process.env.PATH}`,
          PULUMI_BACKEND_URL: `file://${join(workDir, "backend")}`,
          PULUMI_CONFIG_PASSPHRASE: "a test",
          PULUMI_DEBUG_PROVIDERS: `pbs:${plugin.port}`,
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        },
      },
    );
  }

  const connection = () => ({
    url: world.url,
    tokenId: adminToken,
    tokenSecret: world.adminSecret,
    fingerprint: world.fingerprint,
  });

  it("shows in a preview what a retention would prune and which schedule is odd, and what functions read", async () => {
    let keepDaily = 7;
    let schedule = "02:30";
    const stack = await stackOf("retention", async () => {
      const provider = new pbs.Provider("server", connection());
      const options = { provider };
      const vms = new pbs.Datastore("vms", { name: "vms", path: "/mnt/vms" }, options);
      new pbs.PruneJob("nightly", { jobId: "nightly", store: vms.name, schedule, keepDaily }, options);
      const user = new pbs.User("pve", { userid: "pve@pbs", password }, options);
      const status = pbs.getDatastoreStatusOutput({ store: vms.name }, options);
      return {
        userid: user.userid,
        backups: status.apply(({ counts }) => counts?.vm?.snapshots ?? 0),
        groups: vms.name.apply(async (store) => {
          const { snapshots } = await pbs.getSnapshots({ store }, { provider });
          return [...new Set(snapshots.map((one) => `${one.backupType}/${one.backupId}`))];
        }),
        wouldKeep: pbs.pruneDryRunOutput({ store: vms.name, keepLast: 3 }, options).kept,
      };
    });
    const first = await stack.up();
    expect(first.outputs.backups?.value).toBe(0);
    await plantDaily(world, { path: "/mnt/vms", id: "100" }, 1, 10);

    keepDaily = 2;
    schedule = "minutely";
    const { stdout } = await stack.preview({ color: "never" });
    expect(stdout).toContain(
      "with this retention the next run would remove 8 of 10 backups in vms, 5 more than with the present one:",
    );
    expect(stdout).toContain("vm/100: 8 of 10, 2026-01-01 02:00 to 2026-01-08 02:00 UTC");
    expect(stdout).toMatch(/warning: schedule: the schedule "minutely" comes every minute: it runs /);

    const second = await stack.up({ color: "never" });
    expect(second.outputs).toMatchObject({
      backups: { value: 10 },
      groups: { value: ["vm/100"] },
      wouldKeep: { value: 3 },
    });
    const state = await readFile(
      join(folder, "retention/backend/.pulumi/stacks/pbs-edges/retention.json"),
      "utf8",
    );
    for (const text of [state, stdout, first.stdout, second.stdout, second.stderr]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain(world.adminSecret);
    }

    await stack.destroy();
    const client = world.client;
    expect((await client.get("/config/datastore")).data).toEqual([]);
    await client.post("/config/datastore", { name: "vms", path: "/mnt/vms", "reuse-datastore": true });
    await world.simulator.tasks.idle();
    expect((await client.get("/admin/datastore/vms/snapshots")).data).toHaveLength(10);
  });

  it("updates two stacks on one server side by side", async () => {
    const numbers = [1, 2, 3, 4];
    let keepLast = 1;
    const program = (name: string) => async () => {
      const provider = new pbs.Provider("server", connection());
      const options = { provider };
      const path = `/mnt/${name}`;
      const store = new pbs.Datastore(
        name,
        { name, path, destroyData: true, keepJobConfigs: false },
        options,
      );
      for (const number of numbers) {
        const jobId = `${name}-${number}`;
        new pbs.PruneJob(jobId, { jobId, store: store.name, schedule: "daily", keepLast }, options);
        const user = new pbs.User(jobId, { userid: `${jobId}@pbs` }, options);
        const entry = {
          path: pulumi.interpolate`/datastore/${store.name}`,
          roleId: "DatastoreAudit" as const,
        };
        new pbs.Acl(jobId, { ...entry, authId: user.userid }, options);
      }
      return {};
    };
    const stacks = await Promise.all(["left", "right"].map((name) => stackOf(name, program(name))));
    const created = await Promise.all(stacks.map((stack) => stack.up()));
    expect(created.map(({ summary }) => summary.resourceChanges)).toEqual([{ create: 15 }, { create: 15 }]);

    keepLast = 2;
    const updated = await Promise.all(stacks.map((stack) => stack.up()));
    expect(updated.map(({ summary }) => summary.resourceChanges)).toEqual([
      { same: 11, update: 4 },
      { same: 11, update: 4 },
    ]);
    await Promise.all(stacks.map((stack) => stack.destroy()));
    expect((await world.client.get("/config/prune")).data).toEqual([]);
    expect((await world.client.get("/access/acl")).data).toEqual([]);
  });
});
