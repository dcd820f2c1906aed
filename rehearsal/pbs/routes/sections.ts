import { ApiError, parameterError } from "../errors.ts";
import type { ParameterType, ParameterTypes, Values } from "../parameters.ts";
import type { Privilege } from "../permissions.ts";
import {
  pick,
  type Reply,
  type Route,
  type RoutePermission,
  type Server,
  storeAclPath,
  textOf,
} from "../route.ts";
import type { Section, SectionFile, State } from "../state.ts";
import { digest, optional } from "../types.ts";

/** A check of one object against its caller. @throws ApiError */
export type Check = (server: Server, section: Section, caller: string) => void;

/** A kind of object in a configuration file: kinds differ only in their properties, rights and words. */
export interface ObjectKind {
  readonly file: SectionFile;
  /** Where several kinds share a file; names are unique in it. */
  readonly type?: string;
  /** `/config/remote` */
  readonly path: string;
  /** What names an object. */
  readonly idName: "id" | "name";
  readonly properties: ParameterTypes;
  /** Given when it is made, never changed. */
  readonly fixed?: readonly string[];
  readonly deletable: readonly string[];
  /** Whose deletion takes no digest. */
  readonly deletedBlindly?: boolean;
  /** Never shown. */
  readonly secrets?: readonly string[];
  readonly listParameters?: ParameterTypes;
  listed?(section: Section, values: Values): boolean;
  readonly listPermission?: RoutePermission;
  readonly readPermission?: RoutePermission;
  readonly createPermission?: RoutePermission;
  readonly modifyPermission?: RoutePermission;
  maySee?(server: Server, section: Section, caller: string): boolean;
  readonly requireRead?: Check;
  /** Of what is there, and of what it shall become. */
  readonly requireModify?: Check;
  /** What no single parameter's type can say. */
  readonly verify?: Check;
  /** What forbids the deletion. @throws ApiError */
  readonly requireUnused?: (state: Readonly<State>, name: string) => void;
  missing(name: string): ApiError;
  /** Of what shall be deleted; as {@link missing} where left out. */
  missingToDelete?(name: string): ApiError;
  duplicate(name: string): ApiError;
  /** As it is written down. */
  normalize?(section: Section, before?: Section): Section;
  show?(section: Section): Section;
  /** What stands under a name without anybody having made it. */
  readonly builtin?: Readonly<Record<string, Section>>;
}

/** The five calls on a kind of object. */
export function objectRoutes(kind: ObjectKind): Route[] {
  const { [kind.idName]: idType, ...others } = kind.properties;
  if (!idType) throw new Error(`${kind.path} has no ${kind.idName}`);
  const changeable = Object.fromEntries(
    Object.entries(others)
      .filter(([name]) => !kind.fixed?.includes(name))
      .map(([name, type]): [string, ParameterType] => [name, optional(type)]),
  );
  const item = `${kind.path}/{${kind.idName}}`;
  const nameOf = (values: Values | Section) => textOf(values, kind.idName);
  const find = (state: Readonly<State>, name: string, missing = kind.missing): Section => {
    const section = state[kind.file][name];
    if (!section || section["section-type"] !== kind.type) throw missing(name);
    return section;
  };
  const show = (section: Section): Section => {
    const { "section-type": _type, ...visible } = withoutProperties(section, kind.secrets);
    return kind.show ? kind.show(visible) : visible;
  };
  const written = (values: Values, before?: Section): Section => {
    const section: Section = { ...values, ...(kind.type === undefined ? {} : { "section-type": kind.type }) };
    return kind.normalize ? kind.normalize(section, before) : section;
  };

  return [
    {
      method: "GET",
      path: kind.path,
      parameters: kind.listParameters ?? {},
      ...permission(kind.listPermission),
      run: (server, values, caller): Reply => ({
        data: Object.values(server.store.state[kind.file])
          .filter(
            (section) =>
              section["section-type"] === kind.type &&
              (kind.listed?.(section, values) ?? true) &&
              (kind.maySee?.(server, section, caller) ?? true),
          )
          .map(show),
        digest: server.store.digest(kind.file),
      }),
    },
    {
      method: "POST",
      path: kind.path,
      parameters: kind.properties,
      ...permission(kind.createPermission),
      async run(server, values, caller) {
        const section = written(values);
        kind.requireModify?.(server, section, caller);
        kind.verify?.(server, section, caller);
        await server.store.change(kind.file, undefined, (state) => {
          if (state[kind.file][nameOf(values)]) throw kind.duplicate(nameOf(values));
          state[kind.file][nameOf(values)] = section;
        });
        return { data: null };
      },
    },
    {
      method: "GET",
      path: item,
      parameters: { [kind.idName]: idType },
      ...permission(kind.readPermission),
      run(server, values, caller) {
        const section = find(server.store.state, nameOf(values));
        kind.requireRead?.(server, section, caller);
        return { data: show(section), digest: server.store.digest(kind.file) };
      },
    },
    {
      method: "PUT",
      path: item,
      parameters: {
        [kind.idName]: idType,
        ...changeable,
        delete: { type: "array", enum: kind.deletable, optional: true },
        digest,
      },
      ...permission(kind.modifyPermission),
      async run(server, values, caller) {
        const changed = (from: Section) =>
          written(
            { ...withoutProperties(from, values.delete), ...pick(values, Object.keys(changeable)) },
            from,
          );
        server.store.compareDigest(kind.file, values.digest);
        const before = find(server.store.state, nameOf(values));
        for (const section of [before, changed(before)]) kind.requireModify?.(server, section, caller);
        kind.verify?.(server, changed(before), caller);
        await server.store.change(kind.file, values.digest, (state) => {
          state[kind.file][nameOf(values)] = changed(find(state, nameOf(values)));
        });
        return { data: null };
      },
    },
    {
      method: "DELETE",
      path: item,
      parameters: { [kind.idName]: idType, ...(kind.deletedBlindly ? {} : { digest }) },
      ...permission(kind.modifyPermission),
      async run(server, values, caller) {
        const name = nameOf(values);
        const section = find(server.store.state, name, kind.missingToDelete);
        kind.requireModify?.(server, section, caller);
        kind.requireUnused?.(server.store.state, name);
        await server.store.change(kind.file, values.digest, (state) => {
          const { [name]: _gone, ...rest } = state[kind.file];
          const restored = kind.builtin?.[name];
          state[kind.file] = restored ? { ...rest, [name]: restored } : rest;
        });
        return { data: null };
      },
    },
  ];
}

function permission(given: RoutePermission | undefined): { permission?: RoutePermission } {
  return given ? { permission: given } : {};
}

/** What one kind of job differs in from the others. */
interface JobKind
  extends Pick<
    ObjectKind,
    "properties" | "deletable" | "verify" | "listParameters" | "listed" | "requireModify"
  > {
  readonly file: "prune" | "verification" | "sync";
  /** The last component of the API's path. */
  readonly path: string;
  readonly read: readonly Privilege[];
  readonly modify: readonly Privilege[];
}

/** The five calls on a kind of job, whose rights are those on its namespace unless it says otherwise. */
export function jobRoutes(kind: JobKind): Route[] {
  return objectRoutes({
    ...kind,
    path: `/config/${kind.path}`,
    idName: "id",
    maySee: (server, job, caller) =>
      server.access.has(caller, storeAclPath(job), [...kind.read, ...kind.modify], true),
    requireRead: (server, job, caller) => server.access.require(caller, storeAclPath(job), kind.read, true),
    requireModify:
      kind.requireModify ??
      ((server, job, caller) => server.access.require(caller, storeAclPath(job), kind.modify, true)),
    missing: (name) => new ApiError(400, `no such ${kind.file} '${name}'`),
    duplicate: (name) => parameterError([["id", `job '${name}' already exists.`]]),
    normalize: withoutRoot,
  });
}

/** A section without the properties that a `delete` parameter names. */
export function withoutProperties(section: Section, names: unknown): Section {
  const removed = new Set(Array.isArray(names) ? names.map(String) : []);
  return Object.fromEntries(Object.entries(section).filter(([name]) => !removed.has(name)));
}

// The product does not write the root namespace down, nor flags that are off.
function withoutRoot(values: Section): Section {
  return Object.fromEntries(
    Object.entries(values).filter(
      ([name, value]) => !(name === "ns" && value === "") && !(name === "disable" && value === false),
    ),
  );
}
