import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describedSchema } from "../../../rehearsal/lib/api-description.ts";
import { refusedTexts } from "../../../rehearsal/lib/refused-texts.ts";
import { type ParameterType, verifyParameters } from "../../../rehearsal/pbs/parameters.ts";
import { roles } from "../../../rehearsal/pbs/permissions.ts";
import { routes } from "../../../rehearsal/pbs/server.ts";
import { routerPrivileges } from "../privileges.ts";
import { roles as knownRoles } from "../resources/acl.ts";
import { tuning } from "../resources/datastore.ts";
import { toKebab } from "../resources/properties.ts";
import { lives } from "./lives.ts";
import { Managed } from "./managed.ts";
import { openWorld, type World } from "./world.ts";

interface Described {
  readonly type?: string;
  readonly optional?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly enum?: readonly string[];
  readonly items?: Described;
  readonly format?: { readonly properties: Readonly<Record<string, Described>> };
}

interface DescribedCall {
  readonly parameters: { readonly properties?: Readonly<Record<string, Described>> };
  readonly permissions?: unknown;
}

type Description = Readonly<Record<string, Readonly<Record<string, DescribedCall>>>>;

const path = fileURLToPath(new URL("../../../../shared/proxmox-api/pbs.json", import.meta.url));
const description: Description = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
const missing = Object.keys(description).length === 0;
if (missing) console.warn(`skipped: the API's description is not at ${path}`);

const propertiesOf = (method: string, route: string) =>
  description[route]?.[method]?.parameters.properties ?? {};

describe.skipIf(missing)("the simulated server", () => {
  it.each(routes.map((route) => [route.method, route.path, route] as const))(
    "knows %s %s as the product does",
    (method, path, route) => {
      expect(description[path]).toHaveProperty(method);
      const described = propertiesOf(method, path);
      for (const [name, type] of Object.entries(route.parameters)) {
        expect({ [name]: boundsOf(type) }).toEqual({ [name]: describedBounds(described[name], type) });
        const taken = refusedTexts(describedSchema.parse(described[name])).filter((text) =>
          takes(type, text),
        );
        expect({ [name]: taken }).toEqual({ [name]: [] });
      }
      const required = Object.keys(described).filter((name) => !described[name]?.optional);
      expect(Object.keys(route.parameters)).toEqual(expect.arrayContaining(required));
    },
  );

  it("has the product's roles, and so has the provider", () => {
    const described = propertiesOf("PUT", "/access/acl").role?.enum ?? [];
    expect(Object.keys(roles).toSorted()).toEqual(described.toSorted());
    expect(knownRoles.toSorted()).toEqual(described.toSorted());
  });
});

describe.skipIf(missing)("the provider", () => {
  let world: World;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(() => world.close());

  it("makes only calls that the product describes", async () => {
    for (const { resource, prepare, first, second } of lives) {
      await prepare?.(world.client);
      const one = await new Managed(resource, world.client).create(first);
      await one.update(second);
      await one.drift();
      await one.delete();
      expect(await one.read()).toBeUndefined();
    }
    expect(world.calls.length).toBeGreaterThan(50);
    for (const { method, path, parameters } of world.calls) {
      expect(description[path], path).toHaveProperty(method);
      expect(Object.keys(propertiesOf(method, path))).toEqual(
        expect.arrayContaining(Object.keys(parameters)),
      );
    }
  });

  it("knows the tuning options with their bounds", () => {
    const described = propertiesOf("POST", "/config/datastore").tuning?.format?.properties ?? {};
    expect(Object.keys(tuning.shape).map(toKebab).toSorted()).toEqual(Object.keys(described).toSorted());
    for (const [property, type] of Object.entries(tuning.shape)) {
      const { minimum, maximum } = described[toKebab(property)] ?? {};
      if (minimum === undefined || maximum === undefined) continue;
      const accepted = [minimum - 1, minimum, maximum, maximum + 1].map(
        (value) => type.safeParse(value).success,
      );
      expect({ [property]: accepted }).toEqual({ [property]: [false, true, true, false] });
    }
  });

  it.each(
    routerPrivileges.flatMap((rule) => rule.methods.map((method) => [method, rule.route, rule] as const)),
  )("names the privilege of %s %s", (method, route, rule) => {
    const permissions = JSON.stringify(description[route]?.[method]?.permissions);
    const path = rule.path.split("/").filter(Boolean);
    expect(permissions).toContain(`"path":${JSON.stringify(path)},"privs":["${rule.privilege}"]`);
  });
});

function takes(type: ParameterType, text: string): boolean {
  try {
    verifyParameters({ it: type }, { it: [text] });
    return true;
  } catch {
    return false;
  }
}

/** What of a type the description can be compared by. */
function boundsOf(type: ParameterType): object {
  const { type: kind, optional = false, ...bounds } = type;
  const {
    pattern: _pattern,
    verify: _verify,
    verifyItem: _verifyItem,
    enum: values,
    ...limits
  } = bounds as Described & {
    pattern?: RegExp;
    verify?: unknown;
    verifyItem?: unknown;
  };
  return { type: kind, optional, ...limits, ...(values ? { enum: values.toSorted() } : {}) };
}

function describedBounds(described: Described | undefined, type: ParameterType): object | undefined {
  if (!described) return undefined;
  const { type: kind, optional, minimum, maximum, minLength, maxLength } = described;
  const values = kind === "array" ? described.items?.enum : described.enum;
  const bounds = { type: kind, optional: optional === 1, minimum, maximum, minLength, maxLength };
  return Object.fromEntries(
    Object.entries({ ...bounds, enum: "enum" in type ? values?.toSorted() : undefined }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
