import * as z from "zod";

/** What tells a manifest of the first format, and what is different in it; all else is checked in today's words. */
const format1Schema = z.looseObject({
  formatVersion: z.literal(1),
  databases: z.array(
    z.looseObject({
      file: z.string(),
      sizeBytes: z.number(),
      sha256: z.string(),
      content: z.looseObject({}),
    }),
  ),
});

/**
 * A manifest of the first format, which had no seal and one file for each database, in the words of the second;
 * `undefined` where it is none.
 */
export function fromFormat1(value: unknown): object | undefined {
  const old = format1Schema.safeParse(value);
  if (!old.success) return undefined;
  return {
    ...old.data,
    formatVersion: 2,
    databases: old.data.databases.map(({ file, sizeBytes, sha256, ...database }) => ({
      ...database,
      files: [{ file, sizeBytes, sha256 }],
    })),
  };
}
