import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createServer, listen } from "./server.ts";
import { fingerprintSha256, openCertificateAuthority, serverCertificate } from "./tls.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-tls-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const names = { name: "pve", ipAddresses: ["127.0.0.1"], dnsNames: ["pve.lab.test"] };

test("a client that trusts the authority reaches a server with its certificate", async () => {
  const authority = await openCertificateAuthority(folder);
  const tls = await serverCertificate(authority, folder, names);
  const options = { address: "127.0.0.1", port: 0, tls };
  const server = await createServer(options);
  server.get("/", () => ({ data: "here" }));
  const running = await listen(server, options);
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      const call = request(running.url, { ca: authority.certPem, agent: false }, (response) => {
        response.setEncoding("utf8");
        let body = "";
        response.on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve(body));
      });
      call.on("error", reject);
      call.end();
    });
    expect(answer).toBe('{"data":"here"}');
  } finally {
    await running.close();
  }
});

test("keys are readable by their owner only and files are used again", async () => {
  const authority = await openCertificateAuthority(folder);
  const first = await serverCertificate(authority, folder, names);
  expect((await stat(first.keyPath)).mode & 0o777).toBe(0o600);
  expect((await stat(authority.keyPath)).mode & 0o777).toBe(0o600);
  const before = await readFile(first.certPath, "utf8");
  const again = await serverCertificate(await openCertificateAuthority(folder), folder, names);
  expect(await readFile(again.certPath, "utf8")).toBe(before);
  expect(fingerprintSha256(before)).toMatch(/^([0-9a-f]{2}:){31}[0-9a-f]{2}$/);
});

test("another address gives a new certificate", async () => {
  const authority = await openCertificateAuthority(folder);
  const first = await readFile((await serverCertificate(authority, folder, names)).certPath, "utf8");
  const wider = { ...names, ipAddresses: ["127.0.0.1", "10.9.8.1"] };
  expect(await readFile((await serverCertificate(authority, folder, wider)).certPath, "utf8")).not.toBe(
    first,
  );
});
