import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AnyResource } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "../resources/acl.ts";
import { apiToken } from "../resources/api-token.ts";
import { datastore } from "../resources/datastore.ts";
import { metricServer } from "../resources/metric-server.ts";
import { notificationMatcher } from "../resources/notification-matcher.ts";
import { notificationTarget } from "../resources/notification-target.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { remote } from "../resources/remote.ts";
import { s3Endpoint } from "../resources/s3-endpoint.ts";
import { syncJob } from "../resources/sync-job.ts";
import { trafficControl } from "../resources/traffic-control.ts";
import { user } from "../resources/user.ts";
import { verifyJob } from "../resources/verify-job.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const managed = (resource: AnyResource<PbsClient>) => new Managed(resource, world.client);
const store = { name: "vms", path: "/mnt/datastore/vms" };
const copy = { jobId: "abc", store: "vms", remoteStore: "there" };
const there = { name: "offsite", host: "pbs.example.org", authId: "a@pbs", password: "secret" };
const s3 = { endpointId: "abc", endpoint: "s3.example.org", accessKey: "a", secretKey: "b" };
const rule = { name: "abc", network: ["0.0.0.0/0"] };

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
    ["a push to nowhere", syncJob, { ...copy, syncDirection: "push" }, /needs the remote to which it pushes/],
    ["a copy onto itself", syncJob, { ...copy, remoteStore: "vms" }, /would copy vms onto itself/],
    ["group filter", syncJob, { ...copy, groupFilter: ["vm/100"] }, /"type:vm", "group:vm\/100" or "regex/],
    ["rate", syncJob, { ...copy, rateIn: "fast" }, /a number with a unit, for example "50 MiB"/],
    ["host with port", remote, { ...there, host: "pbs.example.org:8007" }, /without scheme and port/],
    ["port", remote, { ...there, port: 80070 }, /a port is 1 to 65535/],
    ["fingerprint", remote, { ...there, fingerprint: "ab:cd" }, /32 hexadecimal bytes/],
    [
      "endpoint with scheme",
      s3Endpoint,
      { ...s3, endpoint: "https://s3.example.org" },
      /without scheme and port/,
    ],
    [
      "backend",
      datastore,
      { ...store, backend: { type: "gcs", client: "abc", bucket: "abc" } },
      /of type "s3"/,
    ],
    [
      "bucket",
      datastore,
      { ...store, backend: { type: "s3", client: "abc", bucket: "A_B" } },
      /3 to 63 small/,
    ],
    [
      "thresholds without a bucket",
      datastore,
      { ...store, notificationThresholds: { s3Get: 1 } },
      /notificationThresholds is about the bucket of a datastore that has a backend/,
    ],
    ["target type", notificationTarget, { name: "ab", type: "fax" }, /gotify, sendmail, smtp or webhook/],
    [
      "gotify alone",
      notificationTarget,
      { name: "ab", type: "gotify" },
      /^server: gotify needs server\ntoken: gotify needs token$/,
    ],
    [
      "property of another type",
      notificationTarget,
      { name: "ab", type: "sendmail", mailtoUser: ["root@pam"], url: "https://a.b" },
      /sendmail has no url; it has mailto, mailtoUser, author, fromAddress/,
    ],
    ["nobody to mail", notificationTarget, { name: "ab", type: "sendmail" }, /needs a recipient/],
    [
      "mail server with scheme",
      notificationTarget,
      { name: "ab", type: "smtp", server: "smtp://a", fromAddress: "a@b", mailto: ["a@b"] },
      /without scheme and port/,
    ],
    [
      "user name alone",
      notificationTarget,
      { name: "ab", type: "smtp", server: "a", fromAddress: "a@b", mailto: ["a@b"], username: "a" },
      /username and password go together/,
    ],
    [
      "severity",
      notificationMatcher,
      { name: "ab", matchSeverity: ["fatal"] },
      /info, notice, warning, error/,
    ],
    ["field", notificationMatcher, { name: "ab", matchField: ["type=gc"] }, /exact:type=verify,sync/],
    ["night", trafficControl, { ...rule, timeframe: ["22-6"] }, /ends before it starts.*22-23:59 and 0-6/],
    ["weekdays", trafficControl, { ...rule, timeframe: ["mon-fri 8-17"] }, /write it as "8-17:30"/],
    ["days", trafficControl, { ...rule, timeframe: ["holidays 8-17"] }, /no days of the week/],
    ["hour", trafficControl, { ...rule, timeframe: ["8-25"] }, /0:00 to 23:59/],
    ["network", trafficControl, { ...rule, network: ["192.0.2.1"] }, /address with a prefix length/],
    ["empty list", trafficControl, { ...rule, network: [] }, /leave an empty list out/],
    ["influx port", metricServer, { name: "abc", type: "influxdb-udp", host: "influx" }, /with a port/],
    ["token id as user", apiToken, { userid: "a@pbs!b", tokenName: "c" }, /name@realm/],
  ])("%s", async (_, resource, inputs, message) => {
    await expect(managed(resource).check(inputs)).rejects.toThrow(message);
  });

  it("refuses ids of another kind on import", async () => {
    await expect(managed(notificationTarget).import("phone")).rejects.toThrow(/for example gotify\/lab/);
    await expect(managed(metricServer).import("influxdb/abc")).rejects.toThrow(/influxdb-http\/lab/);
    await expect(managed(apiToken).import("root@pam")).rejects.toThrow(/name@realm!token/);
    await expect(managed(acl).import("/datastore/vms")).rejects.toThrow(/path\|authId\|role/);
  });
});
