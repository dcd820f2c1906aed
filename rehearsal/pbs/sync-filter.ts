import { textOf } from "./route.ts";
import type { Section } from "./state.ts";
import type { SourceSnapshot } from "./sync-source.ts";

/** Whether the filters let a group through: one that includes it, or none that includes at all; none that excludes it. */
export function isWanted(group: string, filters: unknown): boolean {
  const list = Array.isArray(filters) ? filters.map(String) : [];
  const matches = (filter: string) => {
    const [, kind, value = ""] = /^(?:(?:in|ex)clude:)?(type|group|regex):(.*)$/.exec(filter) ?? [];
    if (kind === "type") return group.startsWith(`${value}/`);
    return kind === "group" ? group === value : new RegExp(value).test(group);
  };
  const excluding = list.filter((filter) => filter.startsWith("exclude:"));
  const including = list.filter((filter) => !filter.startsWith("exclude:"));
  return (including.length === 0 || including.some(matches)) && !excluding.some(matches);
}

/** Why a job leaves a snapshot out, of those that the other side does not have; undefined where it does not. */
export function skipReason(job: Section, snapshot: SourceSnapshot): string | undefined {
  if (job["verified-only"] === true && !snapshot.verified) return "not verified but verified-only set";
  if (job["encrypted-only"] === true && !snapshot.encrypted) return "not encrypted but encrypted-only set";
  return undefined;
}

/** Where the content of a namespace goes: what is below `from` to the same place below `to`. */
export function mapNamespace(ns: string, from: string, to: string): string {
  return [to, from === "" ? ns : ns.slice(from.length + 1)].filter(Boolean).join("/");
}

/** How many levels of namespaces a job goes down. */
export function depthOf(job: Section): number {
  return typeof job["max-depth"] === "number" ? job["max-depth"] : 7;
}

/** In whose name a job works here: of its owner, or of the administrator. */
export function localUser(job: Section): string {
  return textOf(job, "owner") || "root@pam";
}
