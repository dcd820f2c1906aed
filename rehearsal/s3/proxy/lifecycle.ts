import type { BucketFacts, ListedObject } from "./moto.ts";

const dayMs = 86_400_000;

/**
 * The class that a lifecycle moves an object to by now; undefined where it stays. Days are counted to the next midnight
 * UTC, and objects under 128 KiB stay (S3 user guide, "Lifecycle configuration elements", "Transitioning objects").
 */
export function classAt(
  object: ListedObject,
  rules: BucketFacts["lifecycle"],
  now: Date,
): string | undefined {
  if (object.size < 128 * 1024 || object.storageClass !== "STANDARD") return undefined;
  const due = rules
    .filter(({ status, prefix }) => status === "Enabled" && object.key.startsWith(prefix))
    .flatMap(({ transitions }) => transitions)
    .filter(
      ({ days }) => Math.ceil((Date.parse(object.modified) + days * dayMs) / dayMs) * dayMs <= now.getTime(),
    )
    .toSorted((a, b) => b.days - a.days);
  return due[0]?.storageClass;
}
