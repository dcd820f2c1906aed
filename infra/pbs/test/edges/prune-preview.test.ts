import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Decision } from "../../functions/prune-dry-run.ts";
import { describeChange } from "../../functions/prune-preview.ts";
import { openWorld, type World } from "../world.ts";
import { plantBackup, plantDaily } from "./backups.ts";
import { configOf, openPlugin, type Plugin } from "./plugin.ts";

let world: World;
let plugin: Plugin;
const path = "/mnt/vms";
const job = { jobId: "nightly", store: "vms", schedule: "02:30", keepDaily: 7, disable: false };

beforeAll(async () => {
  world = await openWorld();
  plugin = await openPlugin(configOf(world));
  await plugin.create("Datastore", (await plugin.check("Datastore", { name: "vms", path })).inputs);
  await plugin.create("Namespace", { store: "vms", ns: "lab" });
  await plantDaily(world, { path, id: "100" }, 1, 10);
  await plantBackup(world, { path, id: "100", time: "2025-12-01T02:00:00Z", protected: true });
  await plantDaily(world, { path, ns: "lab", type: "ct", id: "9" }, 5, 3);
  await plugin.create("PruneJob", job);
});
afterAll(async () => {
  plugin.close();
  await world.close();
});
beforeEach(() => {
  plugin.told.length = 0;
  world.calls.length = 0;
});

describe("the preview of a retention change", () => {
  it("shows what would go, of which groups and times, and how many more than now", async () => {
    await plugin.previewUpdate("PruneJob", "nightly", job, { ...job, keepDaily: 2 });
    expect(plugin.told).toEqual([
      {
        severity: "info",
        urn: expect.stringContaining("PruneJob"),
        message: [
          "with this retention the next run would remove 9 of 14 backups in vms, 6 more than with the present one:",
          "  vm/100: 8 of 11, 2026-01-01 02:00 to 2026-01-08 02:00 UTC",
          "  lab/ct/9: 1 of 3, 2026-01-05 02:00 UTC",
        ].join("\n"),
      },
    ]);
    const snapshots = await plugin.invoke("getSnapshots", { store: "vms", recursive: true });
    expect(snapshots.result.snapshots).toHaveLength(14);
  });

  it("says so when nothing goes, and what is spared", async () => {
    await plugin.previewUpdate("PruneJob", "nightly", job, { ...job, keepDaily: 30 });
    expect(plugin.told.map(({ message }) => message)).toEqual([
      "with this retention the next run would remove none of 14 backups in vms; 3 that the present one would remove stay",
    ]);
  });

  it("follows namespace and depth", async () => {
    await plugin.previewUpdate("PruneJob", "nightly", job, { ...job, keepDaily: 1, ns: "lab", maxDepth: 0 });
    expect(plugin.told[0]?.message).toMatch(
      /would remove 2 of 3 backups in vms, 2 more than with the present one; 3 that .* stay:\n {2}lab\/ct\/9: 2 of 3/,
    );
  });

  it("counts nothing as removed by a job that was switched off", async () => {
    await plugin.previewUpdate("PruneJob", "nightly", { ...job, disable: true }, job);
    expect(plugin.told[0]?.message).toMatch(/would remove 3 of 14 backups in vms, 3 more than/);
  });

  it("takes a datastore that is yet to be made as empty", async () => {
    await plugin.previewUpdate("PruneJob", "nightly", job, { ...job, store: "later" });
    expect(plugin.told[0]?.message).toMatch(/would remove none of 0 backups in later/);
  });

  it.each([
    ["the schedule", { schedule: "03:30" }],
    ["the comment", { comment: "quiet" }],
    ["nothing", {}],
    ["whether it runs, to off", { disable: true, keepDaily: 1 }],
  ])("asks the server nothing where %s changes", async (_, change) => {
    await plugin.previewUpdate("PruneJob", "nightly", job, { ...job, ...change });
    expect(plugin.told).toEqual([]);
    expect(world.calls).toEqual([]);
  });

  it("asks nothing for a first creation, nor where a value or the configuration is unknown", async () => {
    await plugin.previewCreate("PruneJob", job);
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    await plugin.previewUpdate("PruneJob", "nightly", job, { ...job, keepDaily: 1, store: unknown });
    const unconfigured = await openPlugin(undefined);
    await unconfigured.previewCreate("PruneJob", job);
    await unconfigured.previewUpdate("PruneJob", "nightly", job, { ...job, keepDaily: 1 });
    expect([...plugin.told, ...unconfigured.told]).toEqual([]);
    expect(world.calls).toEqual([]);
    unconfigured.close();
  });

  it("warns of a missing privilege, with the role that has it, and goes on", async () => {
    await plugin.create("User", { userid: "poor@pbs", enable: true, expire: 0 });
    const token = await plugin.create("ApiToken", {
      userid: "poor@pbs",
      tokenName: "lab",
      enable: true,
      expire: 0,
    });
    const entry = { path: "/datastore/vms", roleId: "DatastoreAudit", propagate: true };
    for (const authId of ["poor@pbs", "poor@pbs!lab"]) await plugin.create("Acl", { ...entry, authId });
    const poor = await openPlugin({
      ...configOf(world),
      tokenId: "poor@pbs!lab",
      tokenSecret: token.state.value,
    });
    expect(await poor.previewUpdate("PruneJob", "nightly", job, { ...job, keepDaily: 1 })).toMatchObject({
      keepDaily: 1,
    });
    expect(poor.told).toEqual([
      {
        severity: "warning",
        urn: expect.anything(),
        message: expect.stringMatching(
          /^what the new retention would prune is not known, the change itself is not affected: Proxmox Backup Server refused POST \/admin\/datastore\/vms\/prune .*; poor@pbs!lab needs Datastore.Modify or Datastore.Prune on \/datastore\/vms, both the token and its user \(role DatastorePowerUser\): proxmox-backup-manager acl update \/datastore\/vms DatastorePowerUser --auth-id 'poor@pbs!lab', and the same with 'poor@pbs'/,
        ),
      },
    ]);
    poor.close();
  });

  it("warns once of a server that is away, and goes on", async () => {
    const away = await openPlugin({ ...configOf(world), url: "https://127.0.0.1:1" });
    for (const keepDaily of [1, 2]) {
      await away.previewUpdate("PruneJob", "nightly", job, { ...job, keepDaily });
    }
    expect(away.told).toEqual([
      {
        severity: "warning",
        urn: expect.anything(),
        message: expect.stringMatching(
          /^what the new retention would prune is not known, .*: cannot connect to https:\/\/127.0.0.1:1: /,
        ),
      },
    ]);
    away.close();
  });
});

describe("the description of a change", () => {
  it("shows twenty groups and counts the rest", () => {
    const decisions = Array.from({ length: 25 }, (_, index): Decision => {
      return { ns: "vms:", backupType: "vm", backupId: String(index), backupTime: 0, mark: "remove" };
    });
    const lines = describeChange({ store: "vms" }, [], decisions).split("\n");
    expect(lines).toHaveLength(22);
    expect(lines.at(-1)).toBe("  … and of 5 more groups");
  });
});
