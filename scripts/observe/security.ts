import type { Family } from "../metrics/family.ts";
import { compareItems } from "./changes.ts";
import type { Look, ReadPart } from "./part.ts";
import { digest, type State } from "./state.ts";

/** What is watched for changes. */
export const watched = ["superusers", "hba", "settings"] as const;

/** See {@link watched}. */
export type Watched = (typeof watched)[number];

/** Who is a superuser. */
export const readSecurity: ReadPart = async (look) => {
  const superusers = await look.session.rows<{ name: string; login: boolean }>(
    "select rolname as name, rolcanlogin as login from pg_roles where rolsuper order by 1",
  );
  noteItems(
    look,
    "superusers",
    Object.fromEntries(superusers.map(({ name, login }) => [name, digest(login)])),
  );
  return [
    {
      name: "dbkeeper_observed_superusers",
      help: "Roles that are superusers.",
      samples: [{ labels: { cluster: look.config.cluster.name }, value: superusers.length }],
    },
  ];
};

/** Takes a set of things down and tells of what has changed since the last time, by name: values may be secret. */
export function noteItems(
  { state, nowSeconds, report }: Look,
  what: Watched,
  items: Readonly<Record<string, string>>,
): void {
  const { print, added, removed, changed } = compareItems(state.prints[what], items, nowSeconds);
  state.prints[what] = print;
  if (added.length + removed.length + changed.length === 0) return;
  const differences = [
    ...added.map((name) => `+ ${name}`),
    ...removed.map((name) => `- ${name}`),
    ...changed.map((name) => `~ ${name}`),
  ];
  const text = `${what} have changed: ${differences.slice(0, 20).join(", ")}${differences.length > 20 ? ", …" : ""}`;
  report.event("warning", "observed-change", text, { what, added, removed, changed });
}

/** When what is watched was last seen to change. What has not been seen yet has no sample. */
export function changeFamilies(cluster: string, { prints }: State): Family[] {
  const samples = (valueFor: (print: State["prints"][string]) => number | null) =>
    watched.flatMap((what) => {
      const print = prints[what];
      const value = print === undefined ? null : valueFor(print);
      return value === null ? [] : [{ labels: { cluster, what }, value }];
    });
  return [
    {
      name: "dbkeeper_observed_changed_timestamp_seconds",
      help: "When superusers, pg_hba rules or settings were last seen to differ from those before, Unix time.",
      samples: samples(({ changedAt }) => changedAt),
    },
    {
      name: "dbkeeper_observed_changes_total",
      help: "Looks at which superusers, pg_hba rules or settings differed from those before.",
      type: "counter",
      samples: samples(({ changes }) => changes),
    },
  ];
}
