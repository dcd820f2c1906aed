import * as z from "zod";

/** How dumps are written. */
export const dumpSchema = z.strictObject({
  /**
   * `custom`: one file a database. `directory`: a folder with a file for each table, written and restored by several
   * processes, never encrypted. `auto` (default): what is fastest for the server's version and the database's size.
   */
  format: z.enum(["auto", "custom", "directory"]).default("auto"),
  /**
   * Whether every row is counted and hashed in the dump's own snapshot, which a restored copy is then compared with.
   * Without it a dump is faster, but never counts as proven. Default true.
   */
  fingerprint: z.boolean().default(true),
});
