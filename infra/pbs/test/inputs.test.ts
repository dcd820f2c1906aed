import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyResource } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "../resources/acl.ts";
import { apiToken } from "../resources/api-token.ts";
import { datastore } from "../resources/datastore.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { user } from "../resources/user.ts";
import { verifyJob } from "../resources/verify-job.ts";
import { Managed, openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const managed = (resource: AnyResource<PbsClient>) => new Managed(resource, world.client);
const store = { name: "vms", path: "/mnt/datastore/vms" };

describe("wrong inputs", () => {
  it.each<[string, AnyResource<PbsClient>, Properties, RegExp]>([
    [
      "no keep rule",
      pruneJob,
      { jobId: "abc", store: "vms", schedule: "daily" },
      /set at least one of keepLast/,
    ],
    [
      "keep 0",
      pruneJob,
      { jobId: "abc", store: "vms", schedule: "daily", keepLast: 0 },
      /leave it out to switch/,
    ],
    ["schedule", pruneJob, { jobId: "abc", store: "vms", schedule: "*/5", keepLast: 1 }, /"\*:00\/5"/],
    ["never due", verifyJob, { jobId: "abc", store: "vms", schedule: "02-30" }, /never comes/],
    ["root namespace", verifyJob, { jobId: "abc", store: "vms", ns: "" }, /leave it out for the root/],
    ["relative path", datastore, { name: "abc", path: "mnt" }, /absolute/],
    ["short name", datastore, { name: "ab", path: "/mnt" }, /3 to 32/],
    ["retention", datastore, { ...store, keepLast: 3 }, /no property "keepLast"/],
    ["empty tuning", datastore, { ...store, tuning: {} }, /leave an empty tuning out/],
    ["unknown tuning", datastore, { ...store, tuning: { speed: 1 } }, /speed/],
    ["pam password", user, { userid: "root@pam", password: "12345678" }, /only users of the realm pbs/],
    ["role", acl, { path: "/", roleId: "admin", authId: "a@pbs" }, /a role is one of Admin/],
    ["nobody", acl, { path: "/", roleId: "Admin" }, /either an authId/],
    [
      "user and group",
      acl,
      { path: "/", roleId: "Admin", authId: "a@pbs", group: "abc" },
      /either an authId/,
    ],
    ["token id as user", apiToken, { userid: "a@pbs!b", tokenName: "c" }, /name@realm/],
  ])("%s", (_, resource, inputs, message) => {
    expect(() => managed(resource).check(inputs)).toThrow(message);
  });

  it("refuses ids of another kind on import", async () => {
    await expect(managed(apiToken).import("root@pam")).rejects.toThrow(/name@realm!token/);
    await expect(managed(acl).import("/datastore/vms")).rejects.toThrow(/path\|authId\|role/);
  });
});
