import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { AnyResource } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { datastore } from "../resources/datastore.ts";
import { metricServer, metricVariants } from "../resources/metric-server.ts";
import { notificationMatcher } from "../resources/notification-matcher.ts";
import { notificationTarget, targetVariants } from "../resources/notification-target.ts";
import { toKebab } from "../resources/properties.ts";
import { pruneJob } from "../resources/prune-job.ts";
import { remote } from "../resources/remote.ts";
import { s3Endpoint } from "../resources/s3-endpoint.ts";
import { syncJob } from "../resources/sync-job.ts";
import { trafficControl } from "../resources/traffic-control.ts";
import { user } from "../resources/user.ts";
import { verifyJob } from "../resources/verify-job.ts";

interface Described {
  readonly type?: string;
  readonly optional?: number;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly enum?: readonly string[];
  readonly items?: Described;
}
type Bag = Readonly<Record<string, Described>>;
interface DescribedCall {
  readonly parameters: { readonly properties?: Bag };
  readonly returns?: { readonly properties?: Bag };
}

const file = fileURLToPath(new URL("../../../../shared/proxmox-api/pbs.json", import.meta.url));
const description: Readonly<Record<string, Readonly<Record<string, DescribedCall>>>> = existsSync(file)
  ? JSON.parse(readFileSync(file, "utf8"))
  : {};
if (!existsSync(file)) console.warn(`skipped: the API's description is not at ${file}`);

interface Subject {
  readonly resource: AnyResource<PbsClient>;
  readonly api: string;
  readonly key: string;
  /** Of a type with variants, the properties that this one has, and those that it needs. */
  readonly own?: readonly string[];
  readonly needs?: readonly string[];
  readonly names?: Readonly<Record<string, string>>;
  /** Known to Pulumi alone. */
  readonly ours?: readonly string[];
  /** Written by a codec: a text at the server, something else here. */
  readonly coded?: readonly string[];
  /** Parameters that are not offered. */
  readonly without?: readonly string[];
  /** Deliberately narrower than the API: what the server takes, but does not mean. */
  readonly narrower?: readonly string[];
  /** Changes that are refused, since no token may make them. */
  readonly refused?: readonly string[];
}

const keepRules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"].map((rule) => `keep-${rule}`);
const variant = <
  Variants extends Readonly<Record<string, { needs: readonly string[]; takes: readonly string[] }>>,
>(
  variants: Variants,
  type: keyof Variants & string,
  common: readonly string[],
) => {
  const { needs = [], takes = [] } = variants[type] ?? {};
  return { own: ["name", ...common, ...needs, ...takes], needs: ["name", ...needs], ours: ["type"] };
};
const target = (type: keyof typeof targetVariants): [string, Subject] => [
  `NotificationTarget ${type}`,
  {
    resource: notificationTarget,
    api: `/config/notifications/endpoints/${type}`,
    key: "name",
    ...variant(targetVariants, type, ["comment", "disable"]),
    names: { headers: "header", secrets: "secret" },
    coded: ["headers", "secrets"],
    // The first is the server's own note, the second is obsolete and without effect.
    without: ["origin", "filter"],
    narrower: ["port"],
  },
];
const metric = (type: keyof typeof metricVariants): [string, Subject] => [
  `MetricServer ${type}`,
  {
    resource: metricServer,
    api: `/config/metrics/${type}`,
    key: "name",
    ...variant(metricVariants, type, ["enable", "comment"]),
  },
];

const subjects: [string, Subject][] = [
  [
    "Datastore",
    {
      resource: datastore,
      api: "/config/datastore",
      key: "name",
      ours: ["destroyData", "keepJobConfigs"],
      coded: ["tuning", "maintenanceMode", "backend", "notificationThresholds"],
      // Prune jobs have replaced the first, notification modes the next; removable disks are not offered.
      without: [...keepRules, "prune-schedule", "notify", "notify-user", "backing-device", "gc-on-unmount"],
    },
  ],
  ["PruneJob", { resource: pruneJob, api: "/config/prune", key: "id", names: { jobId: "id" } }],
  [
    "VerifyJob",
    {
      resource: verifyJob,
      api: "/config/verify",
      key: "id",
      names: { jobId: "id" },
      narrower: ["outdatedAfter"],
    },
  ],
  [
    "User",
    { resource: user, api: "/access/users", key: "userid", without: ["tokens"], refused: ["password"] },
  ],
  ["Remote", { resource: remote, api: "/config/remote", key: "name" }],
  ["SyncJob", { resource: syncJob, api: "/config/sync", key: "id", names: { jobId: "id" } }],
  ["S3Endpoint", { resource: s3Endpoint, api: "/config/s3", key: "id", names: { endpointId: "id" } }],
  ["TrafficControl", { resource: trafficControl, api: "/config/traffic-control", key: "name" }],
  [
    "NotificationMatcher",
    {
      resource: notificationMatcher,
      api: "/config/notifications/matchers",
      key: "name",
      without: ["origin"],
    },
  ],
  target("gotify"),
  target("sendmail"),
  target("smtp"),
  target("webhook"),
  metric("influxdb-http"),
  metric("influxdb-udp"),
];

describe.skipIf(!existsSync(file)).each(subjects)("%s and the API's description", (_, subject) => {
  const { resource, api, key, ours = [], without = [], coded = [], narrower = [] } = subject;
  const shape = resource.inputs.shape as unknown as Record<string, z.ZodType>;
  const known = (subject.own ?? Object.keys(shape)).filter((property) => !ours.includes(property));
  const nameOf = (property: string) => subject.names?.[property] ?? toKebab(property);
  const item = description[`${api}/{${key}}`] ?? {};
  const onCreation = description[api]?.POST?.parameters.properties ?? {};
  const onUpdate = item.PUT?.parameters.properties ?? {};
  const shown = item.GET?.returns?.properties ?? {};

  it("agree on what there is", () => {
    const names = known.map(nameOf);
    const left = (bag: Bag) => Object.keys(bag).filter((name) => !without.includes(name));
    expect(names.toSorted()).toEqual(left(onCreation).toSorted());
    expect(left(shown).filter((name) => !names.includes(name))).toEqual([]);
  });

  it.each(known)("agree on %s", (property) => {
    const type = shape[property] ?? z.never();
    const described = onCreation[nameOf(property)] ?? {};
    const needed = subject.needs?.includes(property) ?? !type.safeParse(undefined).success;
    const assumed = described.default !== undefined;
    expect(needed, "is needed").toBe(described.optional !== 1 && !assumed);
    const given = type.safeParse(undefined);
    if (assumed && given.success && given.data !== undefined) expect(given.data).toEqual(described.default);
    if (assumed) expect(resource.sameValue?.(property, undefined, described.default)).toBe(true);
    if (!coded.includes(property)) expectWithin(type, described, narrower.includes(property));
  });

  it("agree on what can be changed and removed in place", () => {
    const removable = onUpdate.delete?.items?.enum ?? [];
    for (const property of known) {
      if (resource.replaceOn.includes(property) || subject.refused?.includes(property)) continue;
      const described = onCreation[nameOf(property)];
      const onlyCreated = !(nameOf(property) in onUpdate);
      if (onlyCreated) {
        expect(nameOf(property) in shown, `${property} counts on creation only`).toBe(false);
        continue;
      }
      const type = shape[property] ?? z.never();
      const given = type.safeParse(undefined);
      const mayBeAbsent = given.success && given.data === undefined && !subject.needs?.includes(property);
      const hasDefault = described?.default !== undefined;
      if (!mayBeAbsent || hasDefault || resource.replaceWhen?.(property, 1, undefined)) continue;
      expect(removable, property).toContain(nameOf(property));
    }
  });
});

/** Whatever the schema takes, the API takes; and the schema takes no less. */
function expectWithin(type: z.ZodType, described: Described, narrower: boolean): void {
  const json = z.toJSONSchema(type, { io: "input", unrepresentable: "any" });
  expect(json.type).toBe(described.type);
  const accepted = (value: unknown) => type.safeParse(value).success;
  const { minimum, maximum, minLength, maxLength, items } = described;
  if (minimum !== undefined) {
    expect(accepted(minimum - 1), "less than the least").toBe(false);
    if (!narrower) expect(accepted(minimum), "the least").toBe(true);
  }
  if (maximum !== undefined) {
    expect([accepted(maximum), accepted(maximum + 1)], "the most").toEqual([true, false]);
  }
  if (minLength) expect(accepted("a".repeat(minLength - 1)), "too short").toBe(false);
  if (maxLength) expect(accepted("a".repeat(maxLength + 1)), "too long").toBe(false);
  if (described.enum) expect(json.enum?.toSorted()).toEqual(described.enum.toSorted());
  if (items) {
    const inner = type instanceof z.ZodOptional ? (type.unwrap() as z.ZodType) : type;
    const element = inner instanceof z.ZodArray ? (inner.element as z.ZodType) : z.never();
    expectWithin(element, items, narrower);
  }
}
