import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findTool } from "../../tools/find.ts";
import { certificateMetricsScript } from "./certificate-metrics.ts";
import { makePrivateKey, signAuthority, signCertificate } from "./provider/certificate-signing.ts";

const promtool = (await findTool("promtool"))?.path;
if (!promtool) console.warn("skipped: promtool is missing; ./lab doctor says how to get it");

let folder: string;
const servers: Server[] = [];
const from = new Date();
const privateKey = makePrivateKey();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-certificate-metrics-"));
  await mkdir(join(folder, "tls"));
});
afterAll(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true, force: true });
});

const authority = (commonName: string, days: number) =>
  signAuthority({
    commonName,
    privateKey,
    validity: { from, days },
    permitted: { dnsDomains: [], ipRanges: [] },
  });

async function certificate(days: number): Promise<string> {
  return signCertificate(
    {
      commonName: "x",
      privateKey,
      validity: { from, days },
      usages: ["server"],
      dnsNames: ["x.radioastronomy.io"],
      ipAddresses: [],
    },
    { certificate: await authority("signer", 300), privateKey },
  );
}

/** Serves with a certificate and, as exporters do, only for who has one too. */
async function serve(cert: string): Promise<number> {
  const server = createServer({ key: privateKey, cert, ca: cert, requestCert: true });
  server.on("tlsClientError", () => {});
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

it.skipIf(!promtool)("tells when everything ends and what is in use", async () => {
  const [good, renewed, old] = [await certificate(90), await certificate(90), await certificate(10)];
  await writeFile(
    join(folder, "tls", "ca.pem"),
    (await authority("lab ca1", 300)) + (await authority("lab ca2", 900)),
  );
  await writeFile(join(folder, "tls", "good.pem"), good);
  await writeFile(join(folder, "tls", "stale.pem"), renewed);
  const script = join(folder, "script");
  const services = [
    { name: "good", port: await serve(good) },
    { name: "stale", port: await serve(old) },
    { name: "down", port: 1 },
  ];
  await writeFile(script, certificateMetricsScript(services), { mode: 0o755 });

  const target = join(folder, "certificates.prom");
  await execa(script, [join(folder, "tls"), target]);
  const text = await readFile(target, "utf8");
  await execa(promtool ?? "", ["check", "metrics"], { input: text });
  const samples = new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(/ (?=\d+$)/) as [string, string]),
  );
  const ends = (days: number) => String(Math.floor(from.getTime() / 1000) + days * 86_400);
  expect(Object.fromEntries(samples)).toEqual({
    'lab_certificate_not_after_timestamp_seconds{service="good"}': ends(90),
    'lab_certificate_not_after_timestamp_seconds{service="stale"}': ends(90),
    'lab_authority_not_after_timestamp_seconds{authority="lab ca1"}': ends(300),
    'lab_authority_not_after_timestamp_seconds{authority="lab ca2"}': ends(900),
    'lab_certificate_is_served{service="good"}': "1",
    'lab_certificate_is_served{service="stale"}': "0",
    lab_certificates_checked_timestamp_seconds: expect.stringMatching(/^\d+$/),
  });
});
