import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { EscrowRecord } from "../../infra/backup/key-escrow.ts";
import { bareEngine } from "../../rehearsal/lab/engine.ts";
import { engineOptions } from "../../rehearsal/lab/instance.ts";
import { HttpsCaller, textOf } from "../../rehearsal/lib/https.ts";
import { ownStack, type RunPulumi } from "../own-stack.ts";
import { UserError } from "../terminal.ts";
import { orAnotherStack, thisLab } from "../this-lab.ts";

/** A stack and the cluster that it describes, as far as keys go. */
export interface KeyStack {
  readonly name: string;
  /** Key file by storage, as the stack's state has it. */
  keys(): Promise<Readonly<Record<string, string>>>;
  /** Passphrase of the physical backups by cluster, as the stack's state has it. */
  passphrases(): Promise<Readonly<Record<string, string>>>;
  /** What the cluster says of a storage's key: its fingerprint; undefined where it encrypts nothing or is not there. */
  fingerprintOf(storage: string): Promise<string | undefined>;
  /** Writes into the stack's configuration when which keys were checked. The next update tells Prometheus. */
  record(checks: EscrowRecord): Promise<void>;
}

/**
 * @param name a stack of the user's own backend; the lab on this machine where it is left out
 * @throws UserError where there is none
 */
export async function openStack(name: string | undefined): Promise<KeyStack> {
  if (name !== undefined) return stackOf(name, await ownStack(name), undefined);
  const instance = await thisLab(orAnotherStack);
  const engine = await bareEngine(engineOptions(instance));
  const authority = await readFile(join(instance.folder, "tls", "ca.pem"), "utf8");
  return stackOf("rehearsal", (args) => engine.run(args), authority);
}

const outputs = z.looseObject({
  backupEncryptionKeys: z.record(z.string(), z.string()).optional(),
  databaseBackupPassphrases: z.record(z.string(), z.string()).optional(),
});
const storage = z.object({
  data: z.looseObject({ "encryption-key": z.union([z.string(), z.number()]).optional() }),
});

function stackOf(name: string, run: RunPulumi, caCertificate: string | undefined): KeyStack {
  let shown: Promise<z.output<typeof outputs>> | undefined;
  const output = async (key: keyof z.output<typeof outputs> & string) => {
    shown ??= run(["stack", "output", "--json", "--show-secrets"]).then(
      (text) => outputs.safeParse(JSON.parse(text)).data ?? {},
    );
    const found = (await shown)[key];
    if (found !== undefined) return found as Readonly<Record<string, string>>;
    throw new UserError(`stack ${name} has no output ${key}`, { hint: "run `pulumi up` for it first" });
  };
  return {
    name,
    keys: () => output("backupEncryptionKeys"),
    passphrases: () => output("databaseBackupPassphrases"),
    async record(checks) {
      await run(["config", "set", "keyEscrow", JSON.stringify(checks)]);
    },
    async fingerprintOf(id) {
      const endpoint = new URL((await run(["config", "get", "--path", "proxmox.endpoint"])).trim());
      const token = (await run(["config", "get", "proxmoxToken"])).trim();
      const server = { host: endpoint.hostname, port: Number(endpoint.port || 443) };
      const caller = new HttpsCaller(server, { caCertificate });
      try {
        const path = `/api2/json/storage/${encodeURIComponent(id)}`;
        const answer = await caller.call("GET", path, { authorization: `PVEAPIToken=${token}` });
        const text = await textOf(answer);
        if (answer.status === 200) {
          const { "encryption-key": key } = storage.parse(JSON.parse(text)).data;
          return key === undefined ? undefined : String(key);
        }
        if (/storage '[^']*' does not exist/.test(text)) return undefined;
        throw new Error(`it answered ${answer.status}`);
      } catch (error) {
        throw new UserError(
          `${endpoint.origin} does not say what key ${id} uses: ${error instanceof Error ? error.message : String(error)}`,
          { hint: "the token of the stack needs Datastore.Allocate on the storage" },
        );
      } finally {
        caller.close();
      }
    },
  };
}
