import { randomUUID } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parsePropertyString } from "../../../infra/pbs/resources/properties.ts";
import { isMissing } from "../../lib/files.ts";
import { ApiError, parameterError } from "../errors.ts";
import { type ParameterTypes, type Values, verifyParameters } from "../parameters.ts";
import { pick, type Route, type Server, textOf } from "../route.ts";
import type { State } from "../state.ts";
import type { TaskRun } from "../tasks.ts";
import { comment, digest, flag, id, keepRules, optional, rate, schedule, text, userId } from "../types.ts";
import { withoutProperties } from "./sections.ts";

const tuning: ParameterTypes = {
  "chunk-order": { type: "string", enum: ["none", "inode"], optional: true },
  "sync-level": { type: "string", enum: ["none", "file", "filesystem"], optional: true },
  "gc-atime-safety-check": flag,
  "gc-atime-cutoff": { type: "integer", minimum: 1, maximum: 2880, optional: true },
  "gc-cache-capacity": { type: "integer", minimum: 0, maximum: 8388608, optional: true },
  "default-verification-readers": { type: "integer", minimum: 1, maximum: 32, optional: true },
  "default-verification-workers": { type: "integer", minimum: 1, maximum: 32, optional: true },
};
const maintenance: ParameterTypes = {
  type: { type: "string", enum: ["read-only", "offline", "delete", "unmount", "s3-refresh"] },
  message: { type: "string", maxLength: 64, optional: true },
};
const amount = { type: "string", minLength: 1, maxLength: 64, optional: true } as const;
const count = { type: "integer", optional: true } as const;
const thresholds: ParameterTypes = {
  ...{ "s3-get": count, "s3-put": count, "s3-post": count, "s3-head": count, "s3-delete": count },
  ...{ "s3-upload": amount, "s3-download": amount },
};
const notifyWhen = { type: "string", enum: ["never", "always", "error"], optional: true } as const;
const notify: ParameterTypes = { gc: notifyWhen, prune: notifyWhen, sync: notifyWhen, verify: notifyWhen };
const retention: ParameterTypes = { ...keepRules, "prune-schedule": optional(schedule) };
const changeable: ParameterTypes = {
  comment,
  "gc-schedule": optional(schedule),
  "gc-on-unmount": flag,
  "verify-new": flag,
  tuning: { ...text, verify: (value) => faultOf(tuning, value) },
  "notification-mode": { type: "string", enum: ["legacy-sendmail", "notification-system"], optional: true },
  "notification-thresholds": { ...text, verify: (value) => faultOf(thresholds, value) },
  "counter-reset-schedule": optional(schedule),
  notify: { ...text, verify: (value) => faultOf(notify, value) },
  "notify-user": optional(userId),
  "maintenance-mode": { ...text, verify: (value) => faultOf(maintenance, value, "type") },
};
const backend: ParameterTypes = {
  type: { type: "string", enum: ["filesystem", "s3"], optional: true },
  client: optional(id),
  bucket: { type: "string", minLength: 3, maxLength: 63, pattern: /^[a-z0-9.-]+$/, optional: true },
  "max-cache-size": rate,
};
const kept = ["name", "path", "backend", "backing-device", ...Object.keys(changeable)];
const path = { type: "string", minLength: 1, maxLength: 4096 } as const;
const auditable = ["Datastore.Audit", "Datastore.Backup"] as const;

/** Datastores. */
export const datastores: readonly Route[] = [
  {
    method: "GET",
    path: "/config/datastore",
    parameters: {},
    run: (server, _, caller) => ({
      data: Object.values(server.store.state.datastore).filter((store) =>
        server.access.has(caller, ["datastore", textOf(store, "name")], auditable, true),
      ),
      digest: server.store.digest("datastore"),
    }),
  },
  {
    method: "POST",
    path: "/config/datastore",
    parameters: {
      name: id,
      path,
      backend: { ...text, verify: (value) => faultOf(backend, value) },
      "backing-device": { ...text, pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ },
      ...changeable,
      ...retention,
      "reuse-datastore": flag,
      "overwrite-in-use": flag,
    },
    permission: { path: ["datastore"], privilege: "Datastore.Allocate" },
    async run(server, values, caller) {
      const name = textOf(values, "name");
      refuseDuplicate(server, values);
      requireBackend(server, values);
      const upid = await server.tasks.start("create-datastore", name, caller, async (run) => {
        await createChunkStore(server, values, run);
        await server.store.change("datastore", undefined, (state) => {
          if (state.datastore[name]) throw new Error(`datastore '${name}' already exists.`);
          state.datastore[name] = pick(values, kept);
          addDefaultPruneJob(state, values);
        });
      });
      return { data: upid };
    },
  },
  {
    method: "GET",
    path: "/config/datastore/{name}",
    parameters: { name: id },
    permission: { path: ["datastore", "{name}"], privilege: "Datastore.Audit" },
    run: (server, values) => ({
      data: findStore(server, textOf(values, "name")),
      digest: server.store.digest("datastore"),
    }),
  },
  {
    method: "PUT",
    path: "/config/datastore/{name}",
    parameters: {
      name: id,
      ...changeable,
      ...retention,
      delete: {
        type: "array",
        enum: [...Object.keys(changeable), ...Object.keys(retention)],
        optional: true,
      },
      digest,
    },
    permission: { path: ["datastore", "{name}"], privilege: "Datastore.Modify" },
    async run(server, values) {
      const name = textOf(values, "name");
      findStore(server, name);
      const refused = Object.keys(retention).find((rule) => values[rule] !== undefined);
      if (refused)
        throw parameterError([[refused, "datastore prune settings have been replaced by prune jobs"]]);
      await server.store.change("datastore", values.digest, (state) => {
        state.datastore[name] = {
          ...withoutProperties(state.datastore[name] ?? {}, values.delete),
          ...pick(values, Object.keys(changeable)),
        };
      });
      return { data: null };
    },
  },
  {
    method: "DELETE",
    path: "/config/datastore/{name}",
    parameters: { name: id, "keep-job-configs": flag, "destroy-data": flag, digest },
    permission: { path: ["datastore", "{name}"], privilege: "Datastore.Allocate" },
    async run(server, values, caller) {
      const name = textOf(values, "name");
      const store = server.store.state.datastore[name];
      if (!store) throw new ApiError(404, `datastore '${name}' does not exist.`);
      await server.store.change("datastore", values.digest, (state) => {
        if (values["keep-job-configs"] !== true) removeJobsOf(state, name);
      });
      const upid = await server.tasks.start("delete-datastore", name, caller, async (run) => {
        if (values["destroy-data"] === true) {
          await run.log("Deleting datastore contents");
          await rm(server.localPath(textOf(store, "path")), { recursive: true, force: true });
        }
        await server.store.change("datastore", undefined, (state) => {
          delete state.datastore[name];
        });
        await run.log(`Removed datastore '${name}' from the configuration`);
      });
      return { data: upid };
    },
  },
];

/** @throws ApiError */
export function findStore(server: Server, name: string) {
  const store = server.store.state.datastore[name];
  if (!store) throw new ApiError(400, `no such datastore '${name}'`);
  return store;
}

function refuseDuplicate(server: Server, values: Values): void {
  const name = textOf(values, "name");
  const wanted = `${textOf(values, "path").replace(/\/+$/, "")}/`;
  if (!wanted.startsWith("/")) throw parameterError([["path", "expected an absolute path"]]);
  for (const other of Object.values(server.store.state.datastore)) {
    if (other.name === name) throw parameterError([["name", `datastore '${name}' already exists.`]]);
    const taken = `${textOf(other, "path").replace(/\/+$/, "")}/`;
    if (taken.startsWith(wanted) || wanted.startsWith(taken)) {
      throw parameterError([
        ["path", `nested datastores not allowed: '${other.name}' already in '${other.path}'`],
      ]);
    }
  }
}

/** What is kept in an object store needs its endpoint and bucket. */
function requireBackend(server: Server, values: Values): void {
  const { type, client, bucket } = parsePropertyString(textOf(values, "backend"));
  if (type !== "s3") return;
  if (client === undefined) throw parameterError([["backend", "missing client for s3 backend"]]);
  if (bucket === undefined) throw parameterError([["backend", "missing bucket for s3 backend"]]);
  if (!server.store.state.s3[client]) throw new ApiError(400, `no such s3client '${client}'`);
}

async function createChunkStore(server: Server, values: Values, run: TaskRun): Promise<void> {
  const folder = server.localPath(textOf(values, "path"));
  const entries = await entriesOf(folder);
  if (values["reuse-datastore"] === true) {
    if (!entries.includes(".chunks"))
      throw new Error("unable to open chunk store: no such directory '.chunks'");
    await run.log("Reusing existing datastore");
    return;
  }
  await run.log(`Chunkstore create: ${textOf(values, "path")}`);
  if (entries.some((entry) => entry !== "lost+found")) throw new Error("datastore path not empty");
  await mkdir(join(folder, ".chunks"), { recursive: true, mode: 0o750 });
  await run.log("Chunkstore create: 99%");
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The product turns retention that is given with a new datastore into a job of its own, and drops it without a schedule. */
function addDefaultPruneJob(state: State, values: Values): void {
  if (values["prune-schedule"] === undefined) return;
  const job = `default-${textOf(values, "name")}-${randomUUID()}`.slice(0, 32);
  state.prune[job] = {
    id: job,
    store: textOf(values, "name"),
    schedule: values["prune-schedule"],
    ...pick(values, Object.keys(keepRules)),
  };
}

function removeJobsOf(state: State, store: string): void {
  for (const file of ["prune", "verification", "sync"] as const) {
    for (const [job, section] of Object.entries(state[file])) {
      if (section.store === store) delete state[file][job];
    }
  }
  const node = `/datastore/${store}`;
  state.acl = state.acl.filter((entry) => entry.path !== node && !entry.path.startsWith(`${node}/`));
}

function faultOf(types: ParameterTypes, value: string, defaultKey?: string): string | undefined {
  if (
    defaultKey === undefined &&
    value.split(",").some((part) => part !== "" && !/^[a-z0-9-]+=/.test(part))
  ) {
    return "value without key, but schema does not define a default key";
  }
  try {
    const parts = Object.entries(parsePropertyString(value, defaultKey));
    verifyParameters(types, Object.fromEntries(parts.map(([name, part]) => [name, [part]])));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
