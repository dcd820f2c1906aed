import { z } from "zod";
import { SiteError } from "../infra/site/problems.ts";
import type { SiteInput } from "../infra/site.ts";
import lab from "./lab.ts";

const address = z.string();
const artifact = z.strictObject({ version: z.string(), url: z.string(), sha256: z.string() });

/** What only the machine that runs the rehearsal knows; it is put into the stack's configuration as `machine`. */
const machine = z.strictObject({
  /** The first three numbers of the private network, for example 10.213.7. */
  network: z.string(),
  image: z.strictObject({ url: z.string(), sha256: z.string() }),
  binaries: z.strictObject({
    node: artifact,
    prometheus: artifact,
    alertmanager: artifact,
    nodeExporter: artifact,
    postgresExporter: artifact,
  }),
  /** Where Alertmanager sends: the sinks on the host. */
  smarthost: z.string(),
  webhookUrl: z.string(),
  pbs: z.strictObject({ address, port: z.int() }),
  /** Where guests take deliveries, if not at SSH's own port. */
  sshPort: z.int().optional(),
});

function parseMachine(given: unknown): z.output<typeof machine> {
  const parsed = machine.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new SiteError([
    {
      path: "machine",
      value: given,
      reason: "it does not describe the machine that the rehearsal is built on",
      allowed: "what `./lab up` writes into stacks/Pulumi.rehearsal.yaml",
    },
  ]);
}

type ChannelInput = SiteInput["monitoring"]["channels"][number];

/** A channel of the lab whose messages stay on this machine, and whose next level is asked sooner. */
function ontoSinks(channel: ChannelInput, smarthost: string, webhookUrl: string): ChannelInput {
  const { escalationMinutes } = channel;
  const sooner = escalationMinutes === undefined ? {} : { escalationMinutes: escalationMinutes / 30 };
  switch (channel.type) {
    case "email":
      return { ...channel, ...sooner, smarthost, requireTls: false };
    case "slack":
      return { ...channel, ...sooner, apiUrl: sink(webhookUrl, "slack") };
    case "pagerduty":
      return { ...channel, ...sooner, url: sink(webhookUrl, "pagerduty") };
    case "webhook":
      return { ...channel, ...sooner, url: sink(webhookUrl, channel.name) };
  }
}

/** Another path of the server that takes webhooks. */
function sink(webhookUrl: string, path: string): string {
  return new URL(`/${path}`, webhookUrl).href;
}

/** The lab on one machine: the same program with three small guests, a database pair and their monitoring. */
export default (given: unknown): SiteInput => {
  const { network, image, binaries, smarthost, webhookUrl, pbs, sshPort } = parseMachine(given);
  const guest = { image: "debian-12", network: "rehearsal", cores: 1, memoryMib: 1024, diskGib: 8 } as const;
  const daily = { tier: "critical", backup: { tool: "pbs", policy: "proj-pg01-daily" } } as const;
  const { databases, archive, monitoring, ...rest } = lab();
  return {
    ...rest,
    name: "rehearsal",
    domain: "rehearsal.radioastronomy.io",
    disposable: true,
    proxmox: { nodes: [{ name: "pve1", address: `${network}.1` }] },
    networks: { rehearsal: { cidr: `${network}.0/24`, bridge: "vmbr0" } },
    // The machine itself: everything that asks the guests something runs on it.
    access: { sshFrom: [`${network}.1`], ...(sshPort === undefined ? {} : { sshPort }) },
    images: { "debian-12": { url: image.url, sha256: image.sha256, fileName: "debian-12.raw" } },
    guests: [
      { ...guest, ...daily, id: 2002, name: "proj-pg01", node: "pve1", address: `${network}.52` },
      {
        ...guest,
        id: 2003,
        name: "proj-pg02",
        node: "pve1",
        address: `${network}.53`,
        tier: "standard",
        backup: { tool: "pbs", policy: "linux-weekly" },
      },
      {
        ...guest,
        id: 2010,
        name: "proj-mon01",
        node: "pve1",
        address: `${network}.60`,
        tier: "standard",
        backup: { tool: "pbs", policy: "linux-weekly" },
      },
    ],
    pbs: {
      ...rest.pbs,
      host: "pbs01.rehearsal.radioastronomy.io",
      address: pbs.address,
      port: pbs.port,
    },
    archive: {
      ...archive,
      region: "us-east-1",
      logs: { ...archive.logs, name: "rehearsal-archive-logs" },
      buckets: {
        dumps: {
          ...archive.buckets.dumps,
          name: "rehearsal-dumps",
          lockDays: 1,
          replicateTo: { region: "eu-west-1", name: "rehearsal-dumps-copy" },
        },
        configuration: { ...archive.buckets.configuration, name: "rehearsal-configuration", lockDays: 1 },
        images: { ...archive.buckets.images, name: "rehearsal-images", lockDays: 1 },
      },
    },
    databases: {
      // Debian 12, which the guests run, carries PostgreSQL 15.
      postgres: databases.postgres.map((cluster) => ({
        ...cluster,
        version: 15,
        // Whoever held its private key has thrown it away: nothing of a rehearsal is worth keeping.
        encryption: { recipients: ["age107tr238gwct6k7qeascfajxacc4rmt73fj4qp2kgjhzurdff3gcsaaxf6t"] },
        checks: [{ name: "has galaxies", sql: "SELECT 1 FROM raw_catalogs.galaxies LIMIT 1" }],
        dump: { ...cluster.dump, jobs: 1 },
      })),
    },
    monitoring: {
      host: "proj-mon01",
      scrapeIntervalSeconds: 5,
      evaluationIntervalSeconds: 5,
      // The same rules, so that a drill takes seconds where the lab takes minutes, and minutes where it takes hours.
      pace: 0.005,
      retentionDays: 2,
      grouping: { waitSeconds: 1, intervalSeconds: 5 },
      heartbeat: { url: sink(webhookUrl, "heartbeat"), intervalSeconds: 30 },
      channels: [
        ...monitoring.channels.map((channel) => ontoSinks(channel, smarthost, webhookUrl)),
        { type: "webhook", name: "chat", severities: ["critical", "warning"], url: webhookUrl },
      ],
    },
    binaries,
  };
};
