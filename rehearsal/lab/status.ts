import { z } from "zod";
import { leaderPid } from "../guests/guest.ts";
import { recordProcess } from "../records/record.ts";
import { bareEngine } from "./engine.ts";
import { engineOptions, type Instance } from "./instance.ts";
import { placeOf } from "./places.ts";
import { askPrometheus, type PrometheusAccess, prometheusSchema } from "./prometheus.ts";
import { ports, recordSshPort, type ServiceName, serviceProcess } from "./services.ts";
import { rehearsalStack } from "./stack.ts";
import { lastVmBackups } from "./vm-backups.ts";

/** One program or guest of the lab. */
export interface ServiceStatus {
  readonly name: string;
  readonly url: string | null;
  readonly pid: number | null;
  /** A recorded guest takes deliveries and runs nothing. */
  readonly state: "running" | "recorded" | "stopped";
  /** What this lab cannot show of it; null where it shows everything. */
  readonly notProven: string | null;
}

/** How well one thing is protected. Times are ISO 8601; null means never or unknown. */
export interface ProtectionStatus {
  readonly kind: "database-dump" | "vm-backup";
  readonly name: string;
  readonly lastGood: string | null;
  /** When the last backup was proven by restoring it. */
  readonly validated: string | null;
  readonly offsite: string | null;
  /** Age of what could be restored now, in seconds. */
  readonly rpoSeconds: number | null;
  /** What this lab cannot show of it; null where it shows everything. */
  readonly notProven: string | null;
}

/** What `lab status --json` prints. Scripts rely on its names. */
export interface LabStatus {
  readonly stack: string;
  readonly services: readonly ServiceStatus[];
  /** Number of resources in the stack. */
  readonly resources: number;
  readonly protections: readonly ProtectionStatus[];
}

const outputsSchema = prometheusSchema.extend({
  addresses: z.record(z.string(), z.string()),
  protections: z.array(z.looseObject({ guest: z.string(), vmId: z.number(), tool: z.string() })),
});

/** The state of the lab as it is now: asked of its processes, of Prometheus and of the stack. */
export async function labStatus(instance: Instance): Promise<LabStatus> {
  const stack = await readStack(instance);
  const host = await hostServices(instance);
  const guests = await guestServices(instance, stack.outputs);
  const dumps = stack.outputs === undefined ? [] : await dumpProtections(stack.outputs).catch(() => []);
  const backups = await lastVmBackups(instance).catch(() => new Map<number, number>());
  const vms = (stack.outputs?.protections ?? []).map(({ guest, vmId }) =>
    vmProtection(guest, backups.get(vmId), instance.guests === "records" ? unprovenBackup : null),
  );
  return {
    stack: rehearsalStack,
    services: [...host, ...guests],
    resources: stack.resources,
    protections: [...dumps, ...vms],
  };
}

/** How to ask the Prometheus of a lab; undefined where the stack has no outputs yet. */
export async function prometheusOf(instance: Instance): Promise<PrometheusAccess | undefined> {
  return (await readStack(instance)).outputs;
}

type Outputs = z.output<typeof outputsSchema>;

async function readStack(
  instance: Instance,
): Promise<{ readonly resources: number; readonly outputs: Outputs | undefined }> {
  const engine = await bareEngine(engineOptions(instance));
  const exported = await engine.run(["stack", "export", "--show-secrets"]).catch(() => "{}");
  const { deployment } = JSON.parse(exported) as {
    deployment?: { resources?: { type: string; outputs?: unknown }[] };
  };
  const resources = deployment?.resources ?? [];
  const root = resources.find(({ type }) => type === "pulumi:pulumi:Stack");
  const outputs = outputsSchema.safeParse(revealed(root?.outputs));
  return { resources: resources.length, outputs: outputs.success ? outputs.data : undefined };
}

/** The exported state with its secrets in plain: each is an object that holds the value as JSON text. */
function revealed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  if ("plaintext" in value && typeof value.plaintext === "string")
    return revealed(JSON.parse(value.plaintext));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revealed(each)]));
}

async function hostServices(instance: Instance): Promise<ServiceStatus[]> {
  const urls: Record<ServiceName, string> = {
    pve: `https://${instance.hostAddress}:${ports.pve}`,
    pbs: `https://${instance.hostAddress}:${ports.pbs}`,
    s3: `https://${instance.hostAddress}:${ports.s3}`,
    sinks: `http://${instance.hostAddress}:${ports.webhook}`,
    mirror: `http://${instance.hostAddress}:${ports.mirror}`,
    grafana: `http://${instance.hostAddress}:${ports.grafana}`,
  };
  return Promise.all(
    (Object.keys(urls) as ServiceName[]).map(async (name) => {
      const process = await serviceProcess(instance, name);
      return {
        name,
        url: urls[name],
        pid: process?.pid ?? null,
        state: process ? "running" : "stopped",
        notProven: null,
      } as const;
    }),
  );
}

async function guestServices(instance: Instance, outputs: Outputs | undefined): Promise<ServiceStatus[]> {
  return Promise.all(
    (outputs?.protections ?? []).map(async ({ guest, vmId }) => {
      const isRecord = instance.guests === "records";
      const place = placeOf(instance, vmId);
      const pid = isRecord ? (await recordProcess(place))?.pid : await leaderPid(place);
      const url = `ssh://lab-admin@${outputs?.addresses[guest]}${isRecord ? `:${recordSshPort}` : ""}`;
      return {
        name: guest,
        url,
        pid: pid ?? null,
        state: pid === undefined ? "stopped" : isRecord ? "recorded" : "running",
        notProven: isRecord ? unprovenGuest : null,
      } as const;
    }),
  );
}

const queryResult = z.object({
  data: z.object({
    result: z.array(
      z.object({ metric: z.record(z.string(), z.string()), value: z.tuple([z.number(), z.string()]) }),
    ),
  }),
});

/** Dumps as Prometheus knows them: what nobody measures does not count. */
async function dumpProtections(prometheus: PrometheusAccess): Promise<ProtectionStatus[]> {
  const [success, validated, offsite] = await Promise.all(
    ["success", "validated", "offsite"].map((which) =>
      timestamps(prometheus, `dbkeeper_last_${which}_timestamp_seconds`),
    ),
  );
  return [...(success ?? new Map<string, number>())].map(([database, at]) => {
    const proven = validated?.get(database);
    return {
      kind: "database-dump",
      name: database,
      lastGood: isoTime(at),
      validated: isoTime(proven),
      offsite: isoTime(offsite?.get(database)),
      rpoSeconds: proven === undefined ? null : Math.round(Date.now() / 1000 - proven),
      notProven: null,
    };
  });
}

async function timestamps(prometheus: PrometheusAccess, metric: string): Promise<Map<string, number>> {
  const { data } = queryResult.parse(
    await askPrometheus(prometheus, `query?query=${encodeURIComponent(metric)}`),
  );
  return new Map(data.result.map(({ metric: { database = "" }, value }) => [database, Number(value[1])]));
}

function isoTime(seconds: number | undefined): string | null {
  return seconds === undefined ? null : new Date(seconds * 1000).toISOString();
}

const unprovenGuest = "boot, services, open ports, metrics";
const unprovenBackup = "backup, restore, what the databases on it dump";

/** What a backup of a guest could restore is as old as the backup itself; that it can is not proven by having it. */
function vmProtection(name: string, at: number | undefined, notProven: string | null): ProtectionStatus {
  return {
    kind: "vm-backup",
    name,
    lastGood: isoTime(at),
    validated: null,
    offsite: null,
    rpoSeconds: at === undefined ? null : Math.round(Date.now() / 1000 - at),
    notProven,
  };
}
