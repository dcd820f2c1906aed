import { z } from "zod";
import type { Aws } from "./config.ts";

/** The `tags` property of a resource. */
export const tagsSchema = z.record(z.string(), z.string()).optional();

/** Tags as KMS and IAM differ in naming them. */
export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** The resource's own tags over the provider's default tags. */
export function allTags(aws: Aws, tags: Record<string, string> | undefined): Record<string, string> {
  return { ...aws.defaultTags, ...tags };
}

/** AWS's list form of tags. */
export function tagList(tags: Record<string, string>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

/** What was read, without default tags that are as they should be, unless the resource states them itself. */
export function ownTags(
  aws: Aws,
  found: Record<string, string>,
  recorded: Record<string, string> | undefined,
): Record<string, string> | undefined {
  const own = Object.entries(found).filter(
    ([key, value]) => aws.defaultTags[key] !== value || recorded?.[key] !== undefined,
  );
  // A default tag that is gone shows as one that differs: its value is empty.
  const gone = Object.keys(aws.defaultTags).filter(
    (key) => found[key] === undefined && recorded?.[key] === undefined,
  );
  const tags = Object.fromEntries([...own, ...gone.map((key) => [key, ""] as const)]);
  return Object.keys(tags).length === 0 && recorded === undefined ? undefined : tags;
}

/** Keys that were there and are no longer wanted. */
export function removedKeys(found: Record<string, string>, wanted: Record<string, string>): string[] {
  return Object.keys(found).filter((key) => !(key in wanted));
}
