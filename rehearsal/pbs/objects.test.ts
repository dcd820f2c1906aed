import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTestServer, type TestServer } from "./testing.ts";

let server: TestServer;
beforeAll(async () => {
  server = await openTestServer();
  await server.datastore("vms");
  await server.datastore("copy");
});
afterAll(() => server.close());

const fingerprint = Array(32).fill("ab").join(":");

interface Example {
  readonly path: string;
  readonly name: string;
  readonly made: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly secrets: readonly string[];
  readonly changed: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  readonly deleted: string;
  readonly missing: string;
}

const objects: Example[] = [
  {
    path: "/config/remote",
    name: "offsite",
    made: {
      host: "pbs.example.org",
      "auth-id": "sync@pbs!lab",
      password: "secret",
      fingerprint,
      comment: "other",
    },
    secrets: ["password"],
    changed: { port: 8008 },
    deleted: "comment",
    missing: "no such remote 'offsite'",
  },
  {
    path: "/config/s3",
    name: "aws",
    made: {
      endpoint: "{{bucket}}.s3.{{region}}.amazonaws.com",
      "access-key": "AKIA",
      "secret-key": "s",
      region: "eu-1",
    },
    secrets: ["secret-key"],
    changed: { "rate-in": "10MiB" },
    deleted: "region",
    missing: "no such s3client 'aws'",
  },
  {
    path: "/config/traffic-control",
    name: "office",
    made: {
      network: ["10.0.0.0/8", "fd00::/8"],
      "rate-in": "50 MiB",
      timeframe: ["mon..fri 8-17:30"],
      comment: "x",
    },
    secrets: [],
    changed: { "rate-out": "1GB" },
    deleted: "comment",
    missing: "no such rule 'office'",
  },
  {
    path: "/config/metrics/influxdb-http",
    name: "influx",
    made: { url: "https://influx.example.org:8086/x", token: "secret", bucket: "lab" },
    secrets: ["token"],
    changed: { enable: false },
    deleted: "bucket",
    missing: "no such influxdb-http 'influx'",
  },
  {
    path: "/config/metrics/influxdb-udp",
    name: "graph",
    made: { host: "[fd00::1]:8089", mtu: 1400 },
    secrets: [],
    changed: { comment: "x" },
    deleted: "mtu",
    missing: "no such influxdb-udp 'graph'",
  },
  {
    path: "/config/notifications/endpoints/gotify",
    name: "phone",
    made: { server: "https://gotify.example.org", token: "secret", comment: "x" },
    secrets: ["token"],
    changed: { disable: true },
    deleted: "comment",
    missing: "gotify endpoint 'phone' not found",
  },
  {
    path: "/config/notifications/endpoints/smtp",
    name: "mail",
    made: {
      server: "smtp.example.org",
      "from-address": "pbs@example.org",
      mailto: ["lab@example.org"],
      port: 465,
      password: "secret",
    },
    secrets: ["password"],
    changed: { mode: "starttls" },
    deleted: "port",
    missing: "smtp endpoint 'mail' not found",
  },
  {
    path: "/config/notifications/matchers",
    name: "failures",
    made: {
      "match-severity": ["error,warning"],
      "match-field": ["exact:type=gc,prune"],
      target: ["mail-to-root"],
      mode: "any",
    },
    secrets: [],
    changed: { "match-calendar": ["mon..fri 8:00-17:00"] },
    deleted: "mode",
    missing: "matcher 'failures' not found",
  },
];

describe.each(objects)("$path", ({ path, name, made, secrets, changed, deleted, missing }) => {
  const idName = path === "/config/s3" ? "id" : "name";

  it("is made, shown without its secrets, changed and deleted", async () => {
    const seen = async () => (await server.call("GET", `${path}/${name}`)).data as Record<string, unknown>;
    expect(await server.call("POST", path, { [idName]: name, ...made })).toMatchObject({
      status: 200,
      data: null,
    });
    const visible = Object.fromEntries(Object.entries(made).filter(([key]) => !secrets.includes(key)));
    expect(await seen()).toMatchObject({ [idName]: name, ...visible });
    for (const secret of secrets) expect(await seen()).not.toHaveProperty(secret);
    const listed = (await server.call("GET", path)).data as Record<string, unknown>[];
    expect(listed.find((one) => one[idName] === name)).toEqual(await seen());

    expect((await server.call("POST", path, { [idName]: name, ...made })).text).toMatch(/already exists/);
    const { digest = "" } = await server.call("GET", path);
    expect(
      (await server.call("PUT", `${path}/${name}`, { ...changed, delete: [deleted], digest })).status,
    ).toBe(200);
    expect(await seen()).toMatchObject(changed);
    expect(await seen()).not.toHaveProperty(deleted);
    expect((await server.call("PUT", `${path}/${name}`, { digest })).text).toMatch(
      /^detected modified configuration/,
    );
    expect((await server.call("PUT", `${path}/${name}`, { delete: [idName] })).status).toBe(400);

    expect((await server.call("DELETE", `${path}/${name}`)).status).toBe(200);
    expect((await server.call("GET", `${path}/${name}`)).text).toBe(missing);
  });

  it("is nobody's business without a right", async () => {
    const poor = await server.token(
      `poor${objects.findIndex((one) => one.path === path)}@pbs`,
      "NoAccess",
      "/",
    );
    expect((await server.call("POST", path, { [idName]: name, ...made }, poor)).status).toBe(403);
    const listed = await server.call("GET", path, {}, poor);
    expect(listed.status === 403 || (listed.data as unknown[]).length === 0).toBe(true);
  });
});

describe("what is refused", () => {
  it.each<[string, string, Record<string, string | string[]>, RegExp]>([
    [
      "a host that is none",
      "/config/remote",
      { name: "abc", host: "a b", "auth-id": "a@pbs", password: "x" },
      /'host'/,
    ],
    [
      "a network that is none",
      "/config/traffic-control",
      { name: "abc", network: "10.0.0.0/33" },
      /'network'/,
    ],
    [
      "a rate that is none",
      "/config/traffic-control",
      { name: "abc", network: "10.0.0.0/8", "rate-in": "fast" },
      /human size 'fast'/,
    ],
    [
      "a timeframe that is none",
      "/config/traffic-control",
      { name: "abc", network: "10.0.0.0/8", timeframe: "noon" },
      /daily duration 'noon'/,
    ],
    [
      "mail to nobody",
      "/config/notifications/endpoints/sendmail",
      { name: "nobody" },
      /at least provide one recipient/,
    ],
    [
      "a matcher's unknown target",
      "/config/notifications/matchers",
      { name: "abc", target: "nobody" },
      /endpoint 'nobody' does not exist/,
    ],
    [
      "a severity that is none",
      "/config/notifications/matchers",
      { name: "abc", "match-severity": "bad" },
      /invalid severity bad/,
    ],
    [
      "a name of another kind",
      "/config/notifications/endpoints/gotify",
      { name: "default-matcher", server: "x", token: "y" },
      /an entity with the same name already exists/,
    ],
    [
      "a job onto itself",
      "/config/sync",
      { id: "abc", store: "vms", "remote-store": "vms" },
      /can't be the same/,
    ],
    [
      "a group filter that is none",
      "/config/sync",
      { id: "abc", store: "vms", "remote-store": "copy", "group-filter": "vm" },
      /Unable to parse group filter 'vm'/,
    ],
    [
      "an object store that is none",
      "/config/datastore",
      { name: "abc", path: "/mnt/abc", backend: "type=s3,client=none,bucket=lab" },
      /no such s3client 'none'/,
    ],
  ])("%s", async (_, path, form, message) => {
    const { status, text } = await server.call("POST", path, form);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).toMatch(message);
  });

  it("deleting a remote that a job uses", async () => {
    await server.call("POST", "/config/remote", {
      name: "used",
      host: "10.0.0.1",
      "auth-id": "a@pbs",
      password: "x",
    });
    await server.call("POST", "/config/sync", {
      id: "pull",
      store: "vms",
      remote: "used",
      "remote-store": "vms",
    });
    expect((await server.call("DELETE", "/config/remote/used")).text).toBe(
      "remote 'used' is used by sync job 'pull' (datastore 'vms')",
    );
    await server.call("DELETE", "/config/sync/pull");
    expect((await server.call("DELETE", "/config/remote/used")).status).toBe(200);
    expect(await server.call("DELETE", "/config/remote/used")).toMatchObject({
      status: 404,
      text: "remote 'used' does not exist.",
    });
  });

  it("a job that reads from a remote without the right to", async () => {
    const nodes = await server.token("sync@pbs", "DatastoreAdmin", "/datastore/vms");
    const job = { id: "mine", store: "vms", remote: "other", "remote-store": "vms" };
    expect(await server.call("POST", "/config/sync", job, nodes)).toMatchObject({
      status: 403,
      text: "permission check failed",
    });
    for (const id of ["sync@pbs", "sync@pbs!t"]) {
      await server.call("PUT", "/access/acl", {
        path: "/remote/other",
        role: "RemoteSyncOperator",
        "auth-id": id,
      });
    }
    expect((await server.call("POST", "/config/sync", job, nodes)).status).toBe(200);
  });
});

describe("notifications", () => {
  it("come with the product's own, which are never gone", async () => {
    const path = "/config/notifications/endpoints/sendmail/mail-to-root";
    expect((await server.call("GET", path)).data).toMatchObject({
      origin: "builtin",
      "mailto-user": ["root@pam"],
    });
    await server.call("PUT", path, { comment: "changed" });
    expect((await server.call("GET", path)).data).toMatchObject({
      origin: "modified-builtin",
      comment: "changed",
    });
    expect((await server.call("DELETE", path)).text).toBe(
      "cannot delete 'mail-to-root', referenced by: default-matcher",
    );
    await server.call("PUT", "/config/notifications/matchers/default-matcher", { delete: ["target"] });
    await server.call("DELETE", path);
    expect((await server.call("GET", path)).data).toMatchObject({ origin: "builtin" });
    expect((await server.call("GET", "/config/notifications/targets")).data).toEqual([
      { name: "mail-to-root", type: "sendmail", origin: "builtin", comment: expect.any(String) },
    ]);
  });

  it("keep a webhook's secret when it comes without its value, and never show it", async () => {
    const path = "/config/notifications/endpoints/webhook";
    const secret = `name=token,value=${Buffer.from("s").toString("base64")}`;
    await server.call("POST", path, {
      name: "chat",
      url: "https://chat.example.org/x",
      method: "post",
      secret,
    });
    await server.call("PUT", `${path}/chat`, { secret: "name=token", method: "put" });
    expect((await server.call("GET", `${path}/chat`)).data).toMatchObject({
      secret: ["name=token"],
      method: "put",
    });
    expect(server.simulator.store.state.notifications.chat?.secret).toEqual([secret]);
    expect((await server.call("PUT", `${path}/chat`, { secret: "name=other" })).text).toBe(
      "no such secret 'other'",
    );
  });

  it("tell that a target is there", async () => {
    expect((await server.call("POST", "/config/notifications/targets/mail-to-root/test")).status).toBe(200);
    expect((await server.call("POST", "/config/notifications/targets/none/test")).status).toBe(404);
  });
});

it("lists jobs that pull unless others are asked for", async () => {
  await server.call("POST", "/config/sync", {
    id: "out",
    remote: "offsite",
    store: "vms",
    "remote-store": "copy",
    "sync-direction": "push",
  });
  const ids = async (form = {}) =>
    ((await server.call("GET", "/config/sync", form)).data as { id: string }[]).map(({ id }) => id);
  expect(await ids()).not.toContain("out");
  expect(await ids({ "sync-direction": "push" })).toEqual(["out"]);
  expect(await ids({ "sync-direction": "all" })).toContain("out");
});
