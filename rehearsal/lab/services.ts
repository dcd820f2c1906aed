import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureBridge } from "../guests/network.ts";
import { writeFileAtomic, writeJson } from "../lib/files.ts";
import {
  isAlive,
  type ProcessRecord,
  readProcessRecord,
  startDetached,
  stopProcess,
} from "../lib/process.ts";
import { fingerprintSha256, openCertificateAuthority, serverCertificate } from "../lib/tls.ts";
import { waitFor } from "../lib/wait.ts";
import { builtinRoles } from "../pve/privileges.ts";
import { codeVersion } from "./code-version.ts";
import type { Instance, Remains, Secrets } from "./instance.ts";
import { pvePrivileges } from "./pve-role.ts";

/** The products' own ports: the address on the private bridge belongs to this checkout alone. */
export const ports = {
  pve: 8006,
  pbs: 8007,
  s3: 9000,
  /** The same without encryption: what a bucket that wants TLS refuses. */
  s3Plain: 9001,
  smtp: 2525,
  webhook: 8081,
  mirror: 8080,
  grafana: 3000,
} as const;

/** Where recorded guests take deliveries: the port of SSH itself is root's alone. */
export const recordSshPort = 2222;

const loopbackInterface = "lo";

export type ServiceName = "pve" | "pbs" | "s3" | "sinks" | "mirror" | "grafana";

/** A program of the rehearsal on the host. */
export interface Service {
  readonly name: ServiceName;
  readonly url: string;
  readonly argv: readonly [string, ...string[]];
}

export interface Prepared {
  readonly caPath: string;
  /** SHA-256 of the simulated backup server's certificate. */
  readonly pbsFingerprint: string;
  readonly services: readonly Service[];
}

/** Makes what the services need before they start: the bridge, certificates, token files. */
export async function prepareServices(instance: Instance, motoServer: string): Promise<Prepared> {
  const { folder, hostAddress, secrets } = instance;
  const bridge =
    instance.guests === "containers"
      ? await ensureBridge({ instanceId: instance.id, hostAddress })
      : loopbackInterface;
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const certificate = await serverCertificate(authority, join(folder, "tls"), {
    name: "host",
    ipAddresses: [hostAddress, "127.0.0.1"],
    dnsNames: ["localhost"],
  });
  const certPem = await readFile(certificate.certPath, "utf8");

  await writeJson(
    join(folder, "pve.json"),
    {
      instanceId: instance.id,
      nodes: [{ name: "pve1" }],
      bridges: { vmbr0: bridge },
      guests:
        instance.guests === "containers"
          ? { kind: "containers" }
          : { kind: "records", sshPort: recordSshPort },
      tokens: [
        { id: pveTokenId, secret: secrets.pveToken, acl: [{ path: "/", privileges: [...pvePrivileges] }] },
        {
          id: pveWatchTokenId,
          secret: pveWatchSecret(secrets),
          acl: [{ path: "/", privileges: [...(builtinRoles.PVEAuditor ?? [])] }],
        },
        {
          id: pveOperatorTokenId,
          secret: pveOperatorSecret(secrets),
          acl: [
            {
              path: "/",
              privileges: ["Datastore.AllocateSpace", "Datastore.Audit", "VM.Audit", "VM.Backup"],
            },
          ],
        },
      ],
      downloadCaFile: authority.certPath,
    },
    { mode: 0o600 },
  );
  await writeJson(join(folder, "pbs-tokens.json"), { [pbsTokenId]: secrets.pbsToken }, { mode: 0o600 });
  const s3Root = { accessKeyId: secrets.awsAccessKey, secretAccessKey: secrets.awsSecretKey };
  await writeJson(join(folder, "s3-root.json"), s3Root, { mode: 0o600 });
  await writeFileAtomic(join(folder, "grafana-token"), `${secrets.grafanaToken}\n`, { mode: 0o600 });

  return {
    caPath: authority.certPath,
    pbsFingerprint: fingerprintSha256(certPem),
    services: serviceList(instance, certificate, motoServer),
  };
}

export const pveTokenId = "root@pam!pulumi";
export const pbsTokenId = "root@pam!pulumi";
/** What the program expects it to be called, unless it is told otherwise. */
const pveWatchTokenId = "lab-watch@pve!proxwatch";

/** Of a person who may back guests up by hand; the program itself may not. */
export const pveOperatorTokenId = "operator@pve!drills";

/** Of the token that watches the cluster. */
export function pveWatchSecret(secrets: Secrets): string {
  return secretOf(pveWatchTokenId, secrets);
}

export function pveOperatorSecret(secrets: Secrets): string {
  return secretOf(pveOperatorTokenId, secrets);
}

/** It follows from another token's, so that labs from before it go on. */
function secretOf(tokenId: string, { pveToken }: Secrets): string {
  return createHmac("sha256", pveToken).update(tokenId).digest("hex");
}

function serviceList(
  { root, folder, hostAddress }: Instance,
  { certPath, keyPath }: { readonly certPath: string; readonly keyPath: string },
  motoServer: string,
): Service[] {
  const program = (name: ServiceName): readonly [string, string] => [
    process.execPath,
    join(root, "rehearsal", name, "main.ts"),
  ];
  const state = (name: ServiceName) => join(folder, name);
  const tls = ["--cert", certPath, "--key", keyPath];
  const at = (port: number) => ["--host", hostAddress, "--port", String(port)];
  return [
    {
      name: "mirror",
      url: `http://${hostAddress}:${ports.mirror}`,
      argv: [...program("mirror"), "--folder", state("mirror"), ...at(ports.mirror)],
    },
    {
      name: "s3",
      url: `https://${hostAddress}:${ports.s3}`,
      argv: [
        process.execPath,
        join(root, "rehearsal", "s3", "proxy", "main.ts"),
        ...[
          "--moto-server",
          motoServer,
          "--folder",
          state("s3"),
          "--root-file",
          join(folder, "s3-root.json"),
        ],
        ...[...at(ports.s3), "--plain-port", String(ports.s3Plain), ...tls],
      ],
    },
    {
      name: "sinks",
      url: `http://${hostAddress}:${ports.webhook}`,
      argv: [
        ...program("sinks"),
        ...["--folder", state("sinks"), "--host", hostAddress],
        ...["--smtp-port", String(ports.smtp), "--http-port", String(ports.webhook)],
      ],
    },
    {
      name: "grafana",
      url: `http://${hostAddress}:${ports.grafana}`,
      argv: [
        ...program("grafana"),
        ...["--folder", state("grafana"), "--token-file", join(folder, "grafana-token")],
        ...at(ports.grafana),
      ],
    },
    {
      name: "pbs",
      url: `https://${hostAddress}:${ports.pbs}`,
      argv: [
        ...program("pbs"),
        ...["--state", state("pbs"), "--tokens", join(folder, "pbs-tokens.json")],
        ...["--listen", hostAddress, "--port", String(ports.pbs), ...tls],
      ],
    },
    {
      name: "pve",
      url: `https://${hostAddress}:${ports.pve}`,
      argv: [
        ...program("pve"),
        ...["--boot", "--state", state("pve"), "--config", join(folder, "pve.json")],
        ...["--address", hostAddress, "--port", String(ports.pve), ...tls],
      ],
    },
  ];
}

/** Starts a service unless it runs already, and waits until it listens. */
export async function startService(instance: Instance, service: Service): Promise<void> {
  const recordPath = recordPathOf(instance, service.name);
  const log = join(instance.folder, "logs", `${service.name}.log`);
  const running = await readProcessRecord(recordPath);
  const version = await codeVersion(instance.root);
  // Other arguments or other code: the running one is not the one that is wanted.
  const isWanted = running?.argv.join("\0") === service.argv.join("\0") && running.codeVersion === version;
  if (running && !isWanted) await stopProcess(running, 10);
  const record =
    running && (await isAlive(running))
      ? running
      : await startDetached({
          name: service.name,
          argv: service.argv,
          log,
          recordPath,
          codeVersion: version,
        });
  await waitFor(() => answers(service, record), {
    what: `${service.name} at ${service.url} to listen (its log is ${log})`,
    timeoutSeconds: 30,
  });
}

/** The recorded process of a service, if it still runs. */
export async function serviceProcess(
  instance: Remains,
  name: ServiceName,
): Promise<ProcessRecord | undefined> {
  const record = await readProcessRecord(recordPathOf(instance, name));
  return record && (await isAlive(record)) ? record : undefined;
}

export async function stopService(instance: Remains, name: ServiceName): Promise<void> {
  const record = await serviceProcess(instance, name);
  if (record) await stopProcess(record, 10);
}

function recordPathOf({ folder }: Remains, name: ServiceName): string {
  return join(folder, "processes", `${name}.json`);
}

async function answers(service: Service, record: ProcessRecord): Promise<boolean> {
  if (!(await isAlive(record))) throw new Error("it has ended");
  const { hostname, port } = new URL(service.url);
  return isListening(hostname, Number(port));
}

async function isListening(host: string, port: number): Promise<boolean> {
  const { connect } = await import("node:net");
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const done = (listening: boolean) => {
      socket.destroy();
      resolve(listening);
    };
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
  });
}
