import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { parse } from "yaml";
import lab from "../../stacks/lab.ts";
import { testCertificates } from "../../test/certificates.ts";
import { recordResources } from "../../test/mocks.ts";
import { aptSources } from "../hosts/apt-sources.ts";
import { userData } from "../hosts/cloud-init.ts";
import { inboundRelations } from "../hosts/relations.ts";
import type { Settings } from "../settings.ts";
import { parseSite, type SiteInput } from "../site.ts";
import { grafanaServer } from "./grafana-server.ts";

await recordResources();

const siteWith = (grafana: SiteInput["monitoring"]["grafana"]) =>
  parseSite({ ...lab(), monitoring: { ...lab().monitoring, grafana, ports: { grafana: 3001 } } });
const site = siteWith({ install: true });
const sourcesOf = (of: typeof site, name: string) => {
  const guest = of.guests.find((candidate) => candidate.name === name);
  return guest && aptSources(of, guest);
};

it("comes from its own archive, which is believed one key, on the monitoring host alone", () => {
  const sources = sourcesOf(site, "proj-mon01");
  expect(sources).toEqual({
    "grafana.list": {
      source: "deb [signed-by=$KEY_FILE] https://apt.grafana.com stable main",
      keyid: "B53AE77BADB630A683046005963FA27710458545",
    },
  });
  expect(sourcesOf(site, "proj-exp01")).toEqual({});
  expect(sourcesOf(siteWith({}), "proj-mon01")).toEqual({});
  const boot = { hostname: "m", domain: "d", adminUser: "a", sshPort: 22, authorizedKeys: [] };
  const hostKey = { privateKey: "p", publicKey: "q" };
  expect(parse(userData({ ...boot, hostKey, aptSources: sources ?? {} })).apt).toEqual({ sources });
});

it("speaks TLS with the lab's certificate, lets nobody in without a name, and reads its password from a file", async () => {
  const { hosts } = await testCertificates(site);
  const identity = hosts.get("proj-mon01");
  if (!identity) throw new Error("no certificate");
  const { packages, files = [], units } = grafanaServer({ site, identity, adminPassword: "the-password" });
  expect([packages, units]).toEqual([["grafana"], [{ name: "grafana-server.service" }]]);
  const file = (path: string) => files.find((each) => each.path === path);
  expect(String(file("/etc/lab/grafana.ini")?.content).split("\n")).toEqual(
    expect.arrayContaining([
      ...["[server]", "protocol = https", "http_port = 3001", "root_url = https://10.16.207.60:3001/"],
      ...["cert_file = /etc/lab/tls/grafana.pem", "cert_key = /etc/lab/tls/grafana.key"],
      ...["[auth.anonymous]", "enabled = false", "allow_sign_up = false"],
      "admin_password = $__file{/etc/lab/grafana-admin-password}",
    ]),
  );
  expect(file("/etc/lab/grafana-admin-password")).toMatchObject({
    content: "the-password",
    sensitive: true,
    mode: "0600",
    owner: "grafana",
  });
  expect(file("/etc/lab/tls/grafana.key")).toMatchObject({ owner: "grafana", mode: "0600", sensitive: true });
  const open = files.filter(({ sensitive }) => !sensitive).map(({ path, content }) => [path, content]);
  expect(JSON.stringify(open.filter(([path]) => path !== "/etc/lab/tls/grafana.pem"))).not.toContain(
    "the-password",
  );
});

it("is reachable from where Prometheus is, and only where it is installed", () => {
  const opened = (of: typeof site) =>
    (inboundRelations(of).get("proj-mon01") ?? []).map(({ from, port }) => `${port} from ${from}`);
  expect(opened(site)).toContain("3001 from 10.16.207.0/24");
  expect(opened(siteWith({}))).not.toContain("3001 from 10.16.207.0/24");
  expect(
    [...inboundRelations(site)].filter(([, list]) => list.some(({ port }) => port === 3001)),
  ).toHaveLength(1);
});

it("is what the provider then talks to, by the lab's authority and the administrator's password", async () => {
  const resources = await recordResources();
  const { createProviders } = await import("../providers.ts");
  const { startOwnPlugins } = await import("../own-plugins.ts");
  const { requireSecretsOf } = await import("../settings.ts");
  const secret = pulumi.secret("t");
  const settings: Settings = {
    proxmox: {
      endpoint: "https://pve:8006",
      sshUsername: "root",
      token: secret,
      watchTokenId: "lab-watch@pve!proxwatch",
      watchTokenSecret: secret,
    },
    pbs: { endpoint: "https://pbs:8007", tokenId: "root@pam!p", tokenSecret: secret },
    aws: { store: undefined, credentials: undefined },
    grafana: undefined,
    smtpPassword: undefined,
    channelSecret: (key) => pulumi.secret(key),
    syncPassword: () => undefined,
    encryptionKey: () => undefined,
    keyEscrow: {},
    machine: undefined,
  };
  requireSecretsOf(site, settings);
  createProviders(settings, site, startOwnPlugins(settings).pbs, {
    url: "https://m:3001",
    user: "admin",
    password: "p",
    authority: "PEM",
  });
  await pulumi.runtime.disconnect();
  expect(resources.find(({ type }) => type === "pulumi:providers:grafana")?.inputs).toMatchObject({
    url: "https://m:3001",
    auth: "admin:p",
    caCert: "PEM",
  });
  expect(() => requireSecretsOf(siteWith({}), settings)).toThrow(
    /grafana\.url is missing: the site does not have a Grafana installed .*; set it with `pulumi config set/,
  );
});
