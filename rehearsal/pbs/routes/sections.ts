import { ApiError, parameterError } from "../errors.ts";
import type { ParameterTypes, Values } from "../parameters.ts";
import type { Privilege } from "../permissions.ts";
import { pick, type Reply, type Route, type Server, storeAclPath, textOf } from "../route.ts";
import type { Section } from "../state.ts";
import { digest, optional } from "../types.ts";

/** A kind of job: they differ only in their properties and rights. */
export interface JobKind {
  readonly file: "prune" | "verification" | "sync";
  /** The last component of the API's path. */
  readonly path: string;
  /** As the product names the section: `no such prune 'x'`. */
  readonly section: string;
  readonly properties: ParameterTypes;
  /** Optional when changed, since only what is given changes. */
  readonly deletable: readonly string[];
  readonly read: readonly Privilege[];
  readonly modify: readonly Privilege[];
}

/** The five calls on a kind of job. */
export function jobRoutes(kind: JobKind): Route[] {
  const path = `/config/${kind.path}`;
  const { id, ...others } = kind.properties;
  if (!id) throw new Error(`a ${kind.section} job has no id`);
  const changeable = Object.fromEntries(Object.entries(others).map(([name, type]) => [name, optional(type)]));
  const names = Object.keys(others);
  const jobs = (server: Server) => server.store.state[kind.file];
  const find = (server: Server, values: Values): Section => {
    const job = jobs(server)[textOf(values, "id")];
    if (!job) throw new ApiError(400, `no such ${kind.section} '${values.id}'`);
    return job;
  };

  return [
    {
      method: "GET",
      path,
      parameters: {},
      run: (server, _, caller): Reply => ({
        data: Object.values(jobs(server)).filter((job) =>
          server.access.has(caller, storeAclPath(job), [...kind.read, ...kind.modify], true),
        ),
        digest: server.store.digest(kind.file),
      }),
    },
    {
      method: "POST",
      path,
      parameters: kind.properties,
      async run(server, values, caller) {
        server.access.require(caller, storeAclPath(values), kind.modify, true);
        const name = textOf(values, "id");
        await server.store.change(kind.file, undefined, (state) => {
          if (state[kind.file][name]) throw parameterError([["id", `job '${name}' already exists.`]]);
          state[kind.file][name] = withoutRoot(values);
        });
        return { data: null };
      },
    },
    {
      method: "GET",
      path: `${path}/{id}`,
      parameters: { id },
      run(server, values, caller) {
        const job = find(server, values);
        server.access.require(caller, storeAclPath(job), kind.read, true);
        return { data: job, digest: server.store.digest(kind.file) };
      },
    },
    {
      method: "PUT",
      path: `${path}/{id}`,
      parameters: {
        id,
        ...changeable,
        delete: { type: "array", enum: kind.deletable, optional: true },
        digest,
      },
      async run(server, values, caller) {
        const job = find(server, values);
        server.access.require(caller, storeAclPath(job), kind.modify, true);
        const changed = (from: Section) =>
          withoutRoot({ ...withoutProperties(from, values.delete), ...pick(values, names) });
        server.access.require(caller, storeAclPath(changed(job)), kind.modify, true);
        await server.store.change(kind.file, values.digest, (state) => {
          const name = textOf(values, "id");
          state[kind.file][name] = changed(state[kind.file][name] ?? job);
        });
        return { data: null };
      },
    },
    {
      method: "DELETE",
      path: `${path}/{id}`,
      parameters: { id, digest },
      async run(server, values, caller) {
        server.access.require(caller, storeAclPath(find(server, values)), kind.modify, true);
        await server.store.change(kind.file, values.digest, (state) => {
          delete state[kind.file][textOf(values, "id")];
        });
        return { data: null };
      },
    },
  ];
}

/** A section without the properties that a `delete` parameter names. */
export function withoutProperties(section: Section, names: unknown): Section {
  const removed = new Set(Array.isArray(names) ? names.map(String) : []);
  return Object.fromEntries(Object.entries(section).filter(([name]) => !removed.has(name)));
}

// The product does not write the root namespace down, nor flags that are off.
function withoutRoot(values: Values): Section {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => !(name === "ns" && value === "") && !(name === "disable" && value === false),
    ),
  );
}
