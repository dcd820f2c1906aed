/** A privilege that a call needs, and the ACL path on which. */
export interface Needed {
  readonly privilege: string;
  readonly path: string;
}

interface Rule extends Needed {
  readonly methods: readonly string[];
  /** As in the API's description; `{name}` in it may be used in `path`. */
  readonly route: string;
}

/** The calls about objects of which the same privilege makes, changes and removes one. */
function callsOn(
  object: { readonly route: string; readonly key: string; readonly path: string; readonly itemPath?: string },
  audit: string,
  modify: string,
): Rule[] {
  const { route, key, path, itemPath = path } = object;
  const item = `${route}/{${key}}`;
  return [
    { methods: ["POST"], route, privilege: modify, path },
    { methods: ["GET"], route: item, privilege: audit, path: itemPath },
    { methods: ["PUT", "DELETE"], route: item, privilege: modify, path: itemPath },
  ];
}

/** The calls about parts of the server's own configuration. */
function systemCalls(path: string, routes: readonly string[]): Rule[] {
  return routes.flatMap((route) => callsOn({ route, key: "name", path }, "Sys.Audit", "Sys.Modify"));
}

const store = { route: "/config/datastore/{name}", path: "/datastore/{name}" };
const token = { route: "/access/users/{userid}/token/{token-name}", path: "/access/users" };
const remote = { route: "/config/remote", key: "name", path: "/remote", itemPath: "/remote/{name}" };
const s3 = {
  route: "/config/s3",
  key: "id",
  path: "/system/s3-endpoint",
  itemPath: "/system/s3-endpoint/{id}",
};

// The server's router refuses these calls with a bare "permission check failed", which names nothing.
export const routerPrivileges: readonly Rule[] = [
  { methods: ["POST"], route: "/config/datastore", privilege: "Datastore.Allocate", path: "/datastore" },
  { ...store, methods: ["GET"], privilege: "Datastore.Audit" },
  { ...store, methods: ["PUT"], privilege: "Datastore.Modify" },
  { ...store, methods: ["DELETE"], privilege: "Datastore.Allocate" },
  ...callsOn(
    { route: "/access/users", key: "userid", path: "/access/users" },
    "Sys.Audit",
    "Permissions.Modify",
  ),
  { ...token, methods: ["GET"], privilege: "Sys.Audit" },
  { ...token, methods: ["POST", "PUT", "DELETE"], privilege: "Permissions.Modify" },
  ...callsOn(remote, "Remote.Audit", "Remote.Modify"),
  ...callsOn(s3, "Sys.Audit", "Sys.Modify"),
  ...systemCalls("/system/notifications", [
    "/config/notifications/endpoints/gotify",
    "/config/notifications/endpoints/sendmail",
    "/config/notifications/endpoints/smtp",
    "/config/notifications/endpoints/webhook",
    "/config/notifications/matchers",
  ]),
  ...systemCalls("/", [
    "/config/traffic-control",
    "/config/metrics/influxdb-http",
    "/config/metrics/influxdb-udp",
  ]),
];

/** Which privilege a call needed that the server refused without naming it. */
export function privilegeHint(method: string, path: string): Needed | undefined {
  for (const rule of routerPrivileges) {
    const values = rule.methods.includes(method) ? matchRoute(rule.route, path) : undefined;
    if (!values) continue;
    const aclPath = rule.path.replace(/\{([^}]+)\}/g, (_, name: string) => values[name] ?? "");
    return { privilege: rule.privilege, path: aclPath };
  }
  return undefined;
}

function matchRoute(route: string, path: string): Record<string, string> | undefined {
  const [expected, actual] = [route.split("/"), path.split("/")];
  if (expected.length !== actual.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of expected.entries()) {
    const given = actual[index] ?? "";
    if (part.startsWith("{")) values[part.slice(1, -1)] = decodeURIComponent(given);
    else if (part !== given) return undefined;
  }
  return values;
}
