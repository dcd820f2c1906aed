import { open, readFile, rm } from "node:fs/promises";
import { z } from "zod";
import { exitCodes, UserError } from "../terminal.ts";

const schema = z.object({
  stack: z.string(),
  exportedAt: z.iso.datetime(),
  keys: z.record(z.string(), z.string()),
  /** By cluster; a file of before has none. */
  passphrases: z.record(z.string(), z.string()).default({}),
});

/** The keys of a stack's storages, and the passphrases of its physical backups, as they are kept elsewhere. */
export type KeyFile = z.output<typeof schema>;

/** The file's text: the key of one storage is `.keys["pbs-…"]`, the passphrase of a cluster `.passphrases["pg01"]`. */
export function formatKeyFile(content: KeyFile): string {
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/**
 * Makes a file that only its owner can read.
 * @throws UserError where there is a file of that name: it may hold the only copy of other keys.
 */
export async function writeNewFile(file: string, text: string): Promise<void> {
  const handle = await open(file, "wx", 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") {
      throw new UserError(`${file} is there already, and may hold the only copy of other keys`, {
        hint: "give the name of a file that does not exist yet",
        exitCode: exitCodes.usage,
      });
    }
    throw new UserError(`${file} cannot be made: ${error.message}`, {
      hint: "name a file in a folder that is there",
    });
  });
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

/** Reads what {@link formatKeyFile} wrote. @throws UserError */
export async function readKeyFile(file: string): Promise<KeyFile> {
  const hint = "name a file that `./lab keys export` wrote";
  const text = await readFile(file, "utf8").catch((error: Error) => {
    throw new UserError(`${file} cannot be read: ${error.message}`, { hint, exitCode: exitCodes.usage });
  });
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    // The parser's own words may quote what the file holds.
    throw new UserError(`${file} is no file of keys`, { hint });
  }
}
