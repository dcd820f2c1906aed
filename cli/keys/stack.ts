import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { bareEngine } from "../../rehearsal/lab/engine.ts";
import { checkout, engineOptions, findInstance } from "../../rehearsal/lab/instance.ts";
import { HttpsCaller, textOf } from "../../rehearsal/lib/https.ts";
import { findTool } from "../../tools/find.ts";
import { exitCodes, UserError } from "../terminal.ts";

/** A stack and the cluster that it describes, as far as keys go. */
export interface KeyStack {
  readonly name: string;
  /** Key file by storage, as the stack's state has it. */
  keys(): Promise<Readonly<Record<string, string>>>;
  /** What the cluster says of a storage's key: its fingerprint; undefined where it encrypts nothing or is not there. */
  fingerprintOf(storage: string): Promise<string | undefined>;
}

/** Runs pulumi for one stack and gives its standard output. */
type Run = (args: readonly string[]) => Promise<string>;

/**
 * @param name a stack of the user's own backend; the lab on this machine where it is left out
 * @throws UserError where there is none
 */
export async function openStack(name: string | undefined): Promise<KeyStack> {
  if (name !== undefined) return stackOf(name, await ownEngine(name), undefined);
  const instance = await findInstance();
  if (instance === undefined) {
    throw new UserError("there is no lab on this machine", {
      hint: "`./lab up` builds it; `--stack NAME` names a stack of your own backend",
    });
  }
  const engine = await bareEngine(engineOptions(instance));
  const authority = await readFile(join(instance.folder, "tls", "ca.pem"), "utf8");
  return stackOf("rehearsal", (args) => engine.run(args), authority);
}

async function ownEngine(name: string): Promise<Run> {
  const pulumi = await findTool("pulumi");
  if (pulumi === undefined) {
    throw new UserError("pulumi is not installed", {
      hint: "`./lab doctor` says how to get it",
      exitCode: exitCodes.unavailable,
    });
  }
  return async (args) => {
    const { exitCode, stdout, stderr } = await execa(
      pulumi.path,
      ["--non-interactive", ...args, "--stack", name],
      { cwd: checkout, reject: false, stdin: "ignore" },
    );
    if (exitCode === 0) return stdout;
    throw new UserError(`pulumi ${args[0]} ${args[1]} failed for stack ${name}: ${stderr.trim()}`, {
      hint: "log in to its backend and give its passphrase as for `pulumi preview`",
    });
  };
}

const outputs = z.looseObject({ backupEncryptionKeys: z.record(z.string(), z.string()).optional() });
const storage = z.object({
  data: z.looseObject({ "encryption-key": z.union([z.string(), z.number()]).optional() }),
});

function stackOf(name: string, run: Run, caCertificate: string | undefined): KeyStack {
  return {
    name,
    async keys() {
      const shown = outputs.safeParse(JSON.parse(await run(["stack", "output", "--json", "--show-secrets"])));
      if (shown.data?.backupEncryptionKeys !== undefined) return shown.data.backupEncryptionKeys;
      throw new UserError(`stack ${name} has no output backupEncryptionKeys`, {
        hint: "run `pulumi up` for it first",
      });
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
