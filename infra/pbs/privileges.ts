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

// The server's router refuses these calls with a bare "permission check failed", which names nothing.
export const routerPrivileges: readonly Rule[] = [
  { methods: ["POST"], route: "/config/datastore", privilege: "Datastore.Allocate", path: "/datastore" },
  {
    methods: ["GET"],
    route: "/config/datastore/{name}",
    privilege: "Datastore.Audit",
    path: "/datastore/{name}",
  },
  {
    methods: ["PUT"],
    route: "/config/datastore/{name}",
    privilege: "Datastore.Modify",
    path: "/datastore/{name}",
  },
  {
    methods: ["DELETE"],
    route: "/config/datastore/{name}",
    privilege: "Datastore.Allocate",
    path: "/datastore/{name}",
  },
  { methods: ["POST"], route: "/access/users", privilege: "Permissions.Modify", path: "/access/users" },
  { methods: ["GET"], route: "/access/users/{userid}", privilege: "Sys.Audit", path: "/access/users" },
  {
    methods: ["PUT", "DELETE"],
    route: "/access/users/{userid}",
    privilege: "Permissions.Modify",
    path: "/access/users",
  },
  {
    methods: ["GET"],
    route: "/access/users/{userid}/token/{token-name}",
    privilege: "Sys.Audit",
    path: "/access/users",
  },
  {
    methods: ["POST", "PUT", "DELETE"],
    route: "/access/users/{userid}/token/{token-name}",
    privilege: "Permissions.Modify",
    path: "/access/users",
  },
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
