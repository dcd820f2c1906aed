import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import type { Proxmox } from "./client.ts";

const storageInputs = z.object({
  resourceId: z.string(),
  server: z.string(),
  datastore: z.string(),
  namespace: z.string().optional(),
  username: z.string(),
  password: z.string(),
  fingerprint: z.string().optional(),
  contents: z.array(z.string()).default(["backup"]),
  encryptionKey: z.string().optional(),
  generateEncryptionKey: z.boolean().default(false),
});

const storageData = z.looseObject({
  type: z.literal("pbs"),
  server: z.string(),
  datastore: z.string(),
  namespace: z.string().optional(),
  username: z.string(),
  fingerprint: z.string().optional(),
  content: z.string(),
  "encryption-key": z.string().optional(),
});

const createdStorage = z.looseObject({
  config: z.looseObject({ "encryption-key": z.string().optional() }).optional(),
});

interface StorageOutputs {
  readonly encryptionKeyFingerprint: string;
  readonly generatedEncryptionKey: string;
}

/** `proxmoxve.storage.Pbs`: a backup server as a storage of the cluster. */
export const pbsStorage = defineResource({
  token: "proxmoxve:storage/pbs:Pbs",
  inputs: storageInputs,
  checkTogether: ({ encryptionKey, generateEncryptionKey }) =>
    encryptionKey !== undefined && generateEncryptionKey
      ? [{ property: "encryptionKey", reason: "it conflicts with generateEncryptionKey: give one of them" }]
      : [],
  // The real provider changes nothing but these in place: contents and the certificate's fingerprint.
  replaceOn: [
    ...(["resourceId", "server", "datastore", "namespace", "username", "password"] as const),
    ...(["encryptionKey", "generateEncryptionKey"] as const),
  ],
  deleteBeforeReplace: true,
  secretOutputs: ["generatedEncryptionKey"],
  create: async (
    { client }: { client: Proxmox },
    wanted,
  ): Promise<{ id: string; outputs: StorageOutputs }> => {
    const id = wanted.resourceId;
    const created = createdStorage.parse(
      await client.post("/storage", {
        type: "pbs",
        storage: id,
        server: wanted.server,
        datastore: wanted.datastore,
        namespace: wanted.namespace,
        username: wanted.username,
        password: wanted.password,
        fingerprint: wanted.fingerprint,
        content: wanted.contents.join(","),
        "encryption-key": wanted.generateEncryptionKey ? "autogen" : wanted.encryptionKey,
      }),
    );
    const there = storageData.parse(await client.get(`/storage/${id}`));
    return {
      id,
      outputs: {
        encryptionKeyFingerprint: there["encryption-key"] ?? "",
        // PVE shows the key this once and never again.
        generatedEncryptionKey: wanted.generateEncryptionKey
          ? (created.config?.["encryption-key"] ?? "")
          : "",
      },
    };
  },
  read: async ({ client }, id, { inputs, outputs }) => {
    const data = await client.find(`/storage/${id}`);
    if (data === undefined) return undefined;
    const there = storageData.parse(data);
    return {
      inputs: {
        resourceId: id,
        server: there.server,
        datastore: there.datastore,
        namespace: there.namespace,
        username: there.username,
        password: inputs.password ?? "",
        fingerprint: there.fingerprint,
        contents: there.content.split(","),
        encryptionKey: inputs.encryptionKey,
        generateEncryptionKey: inputs.generateEncryptionKey ?? false,
      },
      outputs: {
        encryptionKeyFingerprint: there["encryption-key"] ?? "",
        generatedEncryptionKey: outputs.generatedEncryptionKey ?? "",
      },
    };
  },
  update: async ({ client }, id, { inputs, outputs }, wanted) => {
    await client.put(`/storage/${id}`, {
      ...deletions([["fingerprint", inputs.fingerprint, wanted.fingerprint]]),
      fingerprint: wanted.fingerprint,
      content: wanted.contents.join(","),
    });
    return {
      encryptionKeyFingerprint: outputs.encryptionKeyFingerprint ?? "",
      generatedEncryptionKey: outputs.generatedEncryptionKey ?? "",
    };
  },
  delete: async ({ client }, id) => {
    if ((await client.find(`/storage/${id}`)) !== undefined) await client.delete(`/storage/${id}`);
  },
});

const jobInputs = z.object({
  resourceId: z.string(),
  schedule: z.string(),
  storage: z.string(),
  vmids: z.array(z.string()).min(1),
  mode: z.enum(["snapshot", "suspend", "stop"]).default("snapshot"),
  enabled: z.boolean().default(true),
  repeatMissed: z.boolean().default(false),
  pruneBackups: z.record(z.string(), z.string()).optional(),
  notesTemplate: z.string().optional(),
});

type JobInputs = z.output<typeof jobInputs>;

const flag = z
  .union([z.boolean(), z.literal(0), z.literal(1), z.literal("0"), z.literal("1")])
  .transform((value) => value === true || Number(value) === 1);

const jobData = z.looseObject({
  schedule: z.string(),
  storage: z.string(),
  vmid: z.union([z.string(), z.number()]).transform(String),
  mode: z.enum(["snapshot", "suspend", "stop"]).default("snapshot"),
  enabled: flag.default(true),
  "repeat-missed": flag.default(false),
  // Written as text, read as an object.
  "prune-backups": z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).optional(),
  "notes-template": z.string().optional(),
});

/** `proxmoxve.backup.Job`: a scheduled vzdump of the cluster. */
export const backupJob = defineResource({
  token: "proxmoxve:backup/job:Job",
  inputs: jobInputs,
  replaceOn: ["resourceId"],
  deleteBeforeReplace: true,
  create: async ({ client }: { client: Proxmox }, wanted) => {
    await client.post("/cluster/backup", { id: wanted.resourceId, ...parameters(wanted) });
    return { id: wanted.resourceId, outputs: {} };
  },
  read: async ({ client }, id) => {
    const data = await client.find(`/cluster/backup/${id}`);
    if (data === undefined) return undefined;
    const there = jobData.parse(data);
    return {
      inputs: {
        resourceId: id,
        schedule: there.schedule,
        storage: there.storage,
        vmids: there.vmid.split(","),
        mode: there.mode,
        enabled: there.enabled,
        repeatMissed: there["repeat-missed"],
        pruneBackups: there["prune-backups"],
        notesTemplate: there["notes-template"],
      },
      outputs: {},
    };
  },
  update: async ({ client }, id, { inputs }, wanted) => {
    await client.put(`/cluster/backup/${id}`, {
      ...parameters(wanted),
      ...deletions([
        ["prune-backups", inputs.pruneBackups, wanted.pruneBackups],
        ["notes-template", inputs.notesTemplate, wanted.notesTemplate],
      ]),
    });
    return {};
  },
  delete: async ({ client }, id) => {
    if ((await client.find(`/cluster/backup/${id}`)) !== undefined)
      await client.delete(`/cluster/backup/${id}`);
  },
});

/** PVE keeps what a call does not mention: what is no longer wanted must be named. */
function deletions(settings: readonly (readonly [name: string, recorded: unknown, wanted: unknown])[]): {
  delete?: string;
} {
  const gone = settings.filter(([, recorded, wanted]) => recorded !== undefined && wanted === undefined);
  return gone.length === 0 ? {} : { delete: gone.map(([name]) => name).join(",") };
}

function parameters(job: JobInputs): Record<string, string | boolean | undefined> {
  return {
    schedule: job.schedule,
    storage: job.storage,
    vmid: job.vmids.join(","),
    mode: job.mode,
    enabled: job.enabled,
    "repeat-missed": job.repeatMissed,
    "prune-backups":
      job.pruneBackups &&
      Object.entries(job.pruneBackups)
        .map(([rule, count]) => `${rule}=${count}`)
        .join(","),
    "notes-template": job.notesTemplate,
  };
}
