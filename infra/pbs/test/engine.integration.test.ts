import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, PulumiCommand, type Stack } from "@pulumi/pulumi/automation/index.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findTool } from "../../../tools/find.ts";
import { serve } from "../../provider/server.ts";
import * as pbs from "../index.ts";
import { pbs as definition } from "../provider.ts";
import { adminToken, openWorld, type World } from "./world.ts";

const found = await findTool("pulumi");
if (!found) console.warn("skipped: the pulumi engine was not found; `./lab up` installs it");

describe.skipIf(!found)("the engine", { timeout: 120_000 }, () => {
  const password = "planted-password-7341";
  let world: World;
  let folder: string;
  let plugin: { readonly port: number; close(): void };
  let stack: Stack;
  let keepDaily = 7;
  let withVerification = true;
  let importing = false;
  let services = false;

  beforeAll(async () => {
    world = await openWorld();
    folder = await mkdtemp(join(tmpdir(), "lab-pbs-engine-"));
    plugin = await serve(definition);
    await mkdir(join(folder, "backend"));
    stack = await LocalWorkspace.createOrSelectStack(
      { stackName: "test", projectName: "pbs-test", program },
      {
        pulumiCommand: await PulumiCommand.get({ root: dirname(dirname(await binaryIn(folder))) }),
        workDir: folder,
        pulumiHome: join(folder, "home"),
        envVars: {
          PATH: `${dirname(found?.path ?? "")}${delimiter}${process.env.PATH}`,
          PULUMI_BACKEND_URL: `file://${join(folder, "backend")}`,
          PULUMI_CONFIG_PASSPHRASE: "a test",
          PULUMI_DEBUG_PROVIDERS: `pbs:${plugin.port}`,
          PULUMI_SKIP_UPDATE_CHECK: "true",
          PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        },
      },
    );
  }, 60_000);

  afterAll(async () => {
    plugin?.close();
    await world?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function program() {
    const provider = new pbs.Provider("server", {
      url: world.url,
      tokenId: adminToken,
      tokenSecret: world.adminSecret,
      fingerprint: world.fingerprint,
      timeoutSeconds: 20,
    });
    const options = { provider };
    const vms = new pbs.Datastore(
      "vms",
      {
        name: "vms",
        path: "/mnt/vms",
        gcSchedule: "sat 03:00",
        tuning: { syncLevel: "file", chunkOrder: "none" },
      },
      options,
    );
    new pbs.PruneJob("nightly", { jobId: "nightly", store: vms.name, schedule: "02:30", keepDaily }, options);
    if (withVerification) {
      new pbs.VerifyJob("weekly", { jobId: "weekly", store: vms.name, schedule: "weekly" }, options);
    }
    if (importing) {
      const job = { jobId: "by-hand", store: "vms", schedule: "monthly" };
      new pbs.VerifyJob("by-hand", job, { ...options, import: "by-hand" });
    }
    if (services) describeServices(options);
    const user = new pbs.User("pve", { userid: "pve@pbs", password }, options);
    const token = new pbs.ApiToken("pve", { userid: user.userid, tokenName: "lab" }, options);
    for (const [name, authId] of [["user", user.userid] as const, ["token", token.tokenId] as const]) {
      const path = pulumi.interpolate`/datastore/${vms.name}`;
      new pbs.Acl(name, { path, roleId: "DatastoreBackup", authId }, options);
    }
    return { tokenId: token.tokenId, secret: token.value, warnings: vms.warnings };
  }

  const planted = { remote: "planted-remote", bucket: "planted-bucket", hook: "planted-hook-before" };
  const stateText = () => readFile(join(folder, "backend/.pulumi/stacks/pbs-test/test.json"), "utf8");

  function describeServices(options: pulumi.CustomResourceOptions) {
    const remote = { name: "by-hand", host: "pbs.example.org", authId: "sync@pbs", password: planted.remote };
    new pbs.Remote("by-hand", remote, { ...options, import: "by-hand" });
    // As from a language whose classes mark no secrets.
    const endpoint = { endpointId: "bucket", endpoint: "s3.example.org", accessKey: "AKIA" };
    new (class extends pulumi.CustomResource {})(
      "pbs:index:S3Endpoint",
      "bucket",
      { ...endpoint, secretKey: planted.bucket },
      options,
    );
    const chat = new pbs.NotificationTarget(
      "chat",
      {
        type: "webhook",
        name: "chat",
        url: "https://chat.example.org/{{ secrets.key }}",
        headers: { "Content-Type": "application/json" },
        secrets: { key: planted.hook },
      },
      options,
    );
    new pbs.NotificationMatcher("chat", { name: "failures", target: [chat.name] }, options);
  }

  it("builds everything, then finds nothing to do, and keeps secrets out of its state", async () => {
    const up = await stack.up();
    expect(up.summary.resourceChanges).toEqual({ create: 9 });
    expect(up.outputs).toMatchObject({
      tokenId: { value: "pve@pbs!lab", secret: false },
      secret: { secret: true },
      warnings: { value: [] },
    });
    const client = world.clientOf("pve@pbs!lab", up.outputs.secret?.value as string);
    expect((await client.get("/admin/datastore")).data).toHaveLength(1);

    const state = await stateText();
    for (const secret of [password, world.adminSecret, up.outputs.secret?.value])
      expect(state).not.toContain(secret);
    const preview = await stack.preview({ expectNoChanges: true });
    expect(preview.changeSummary).toEqual({ same: 9 });
  });

  it("finds with refresh what was changed behind its back, and mends it", async () => {
    await world.client.put("/config/prune/nightly", { "keep-daily": 1, comment: "who did this" });
    await world.client.put("/config/datastore/vms", { delete: ["gc-schedule"] });
    await world.client.delete("/config/verify/weekly");
    expect((await stack.refresh()).summary.resourceChanges).toMatchObject({ update: 2, delete: 1 });
    expect((await stack.up()).summary.resourceChanges).toEqual({ create: 1, same: 6, update: 2 });
    expect((await world.client.get("/config/prune/nightly")).data).toEqual({
      id: "nightly",
      store: "vms",
      schedule: "02:30",
      "keep-daily": 7,
    });
    expect((await stack.refresh({ expectNoChanges: true })).summary.resourceChanges).toEqual({ same: 9 });
  });

  it("updates in place and removes what the program no longer names", async () => {
    keepDaily = 14;
    withVerification = false;
    expect((await stack.up()).summary.resourceChanges).toEqual({ delete: 1, same: 7, update: 1 });
    expect((await world.client.get("/config/verify")).data).toEqual([]);
  });

  it("imports by id", async () => {
    await world.client.post("/config/verify", { id: "by-hand", store: "vms", schedule: "monthly" });
    importing = true;
    expect((await stack.up()).summary.resourceChanges).toEqual({ import: 1, same: 8 });
    importing = false;
    expect((await stack.up()).summary.resourceChanges).toEqual({ delete: 1, same: 8 });
  });

  it("keeps the secrets of services out of its state, also those that no class marks", async () => {
    const remote = { name: "by-hand", host: "pbs.example.org", "auth-id": "sync@pbs", password: "by hand" };
    await world.client.post("/config/remote", remote);
    services = true;
    expect((await stack.up()).summary.resourceChanges).toEqual({ create: 3, import: 1, same: 8 });
    expect((await stack.refresh({ expectNoChanges: true })).summary.resourceChanges).toEqual({ same: 12 });
    const state = await stateText();
    for (const secret of Object.values(planted)) expect(state).not.toContain(secret);
  });

  it("sends a changed secret, and finds a removed one", async () => {
    planted.hook = "planted-hook-after";
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 11, update: 1 });
    expect(JSON.stringify(world.simulator.store.state)).not.toContain("planted-hook-before");
    await world.client.put("/config/notifications/endpoints/webhook/chat", { delete: ["secret"] });
    expect((await stack.refresh()).summary.resourceChanges).toMatchObject({ update: 1 });
    expect((await stack.up()).summary.resourceChanges).toEqual({ same: 11, update: 1 });
    expect(await stateText()).not.toContain("planted-hook");
  });

  it("destroys everything but the data", async () => {
    await stack.destroy();
    for (const path of ["/config/datastore", "/config/prune", "/config/verify", "/access/acl"]) {
      expect((await world.client.get(path)).data, path).toEqual([]);
    }
    expect(await readFile(join(world.folder, "pbs/state.json"), "utf8")).not.toContain("pve@pbs");
  });
});

/** The Automation API wants the engine as `bin/pulumi` below a root. */
async function binaryIn(folder: string): Promise<string> {
  const link = join(folder, "engine/bin/pulumi");
  await mkdir(dirname(link), { recursive: true });
  await symlink(found?.path ?? "", link);
  return link;
}
