import { parseEncryptionKey } from "../../infra/backup/encryption-key.ts";
import { passphraseName } from "../../infra/backup/key-escrow.ts";
import { type TextStream, UserError } from "../terminal.ts";
import { formatKeyFile, writeNewFile } from "./key-file.ts";
import type { KeyStack } from "./stack.ts";

/**
 * Writes the keys of a stack into a new file, or to standard output where the file is `-`.
 * @throws UserError where the stack lacks a key, so that no file looks complete and is not
 */
export async function exportKeys(
  stack: KeyStack,
  file: string,
  streams: { readonly out: TextStream; readonly err: TextStream } = {
    out: process.stdout,
    err: process.stderr,
  },
): Promise<void> {
  const keys = await stack.keys();
  const passphrases = await stack.passphrases();
  const unusable = Object.entries(keys).flatMap(([storage, key]) => {
    try {
      parseEncryptionKey(key);
      return [];
    } catch {
      return [storage];
    }
  });
  if (unusable.length > 0) {
    throw new UserError(`stack ${stack.name} does not have the key of ${unusable.join(", ")}`, {
      hint: "it is on every node as /etc/pve/priv/storage/STORAGE.enc: set it with `pulumi config set --secret encryptionKey-RETENTION`, then run `pulumi up`",
    });
  }
  const text = formatKeyFile({ stack: stack.name, exportedAt: new Date().toISOString(), keys, passphrases });
  if (file === "-") {
    streams.out.write(text);
    return;
  }
  await writeNewFile(file, text);
  const names = [...Object.keys(keys), ...Object.keys(passphrases).map(passphraseName)].join(", ");
  streams.err.write(
    `${file} holds the keys of ${names}.\nWhoever has it can read the backups; without it a lost host takes them along. Keep it on a medium outside the hosts that it is for.\n`,
  );
}
