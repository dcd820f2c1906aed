import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Instance } from "../lab/instance.ts";
import { pbsTokenId, ports, pveOperatorSecret, pveOperatorTokenId, pveTokenId } from "../lab/services.ts";
import { HttpsCaller, textOf } from "../lib/https.ts";

/** Who asks: Proxmox VE as the program or as a person who may back guests up, or the backup server. */
type Caller = "pve" | "pve-operator" | "pbs";

/** Asks Proxmox VE or the backup server to do something. Fails with its words where it refuses. */
export async function callProxmox(
  instance: Instance,
  as: Caller,
  method: "POST" | "PUT",
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<void> {
  const caller = new HttpsCaller(
    { host: instance.hostAddress, port: ports[as === "pbs" ? "pbs" : "pve"] },
    { caCertificate: await readFile(join(instance.folder, "tls", "ca.pem"), "utf8") },
  );
  try {
    const authorization = authorizationOf(instance, as);
    const headers = { authorization, "content-type": "application/x-www-form-urlencoded" };
    const body = new URLSearchParams(parameters).toString();
    const answer = await caller.call(method, `/api2/json${path}`, headers, body);
    const text = await textOf(answer);
    if (answer.status !== 200)
      throw new Error(`${as} was answered ${answer.status} to ${path}: ${text.trim()}`);
  } finally {
    caller.close();
  }
}

function authorizationOf({ secrets }: Instance, as: Caller): string {
  switch (as) {
    case "pve":
      return `PVEAPIToken=${pveTokenId}=${secrets.pveToken}`;
    case "pve-operator":
      return `PVEAPIToken=${pveOperatorTokenId}=${pveOperatorSecret(secrets)}`;
    case "pbs":
      return `PBSAPIToken=${pbsTokenId}:${secrets.pbsToken}`;
  }
}
