import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openCertificateAuthority, serverCertificate } from "../../rehearsal/lib/tls.ts";
import { parseMail } from "../../rehearsal/sinks/mail.ts";
import { runCli } from "../../scripts/cli.ts";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import { mailConfiguration } from "./reports.ts";

const msmtp = "/usr/bin/msmtp";
const isThere = existsSync(msmtp) && spawnSync(msmtp, ["--version"]).status === 0;
if (!isThere) console.warn("skipped: there is no msmtp: install the package msmtp");

const password = "of-the-relay 'in' $plain %s";
let folder: string;
let authorityPath: string;
let identity: { cert: string; key: string };
let received: { to: string[]; encrypted: boolean; raw: Buffer }[];
const running: { close(callback: () => void): void }[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mail-"));
  const authority = await openCertificateAuthority(join(folder, "tls"));
  const options = { name: "mail", ipAddresses: ["127.0.0.1"], dnsNames: ["localhost"] };
  const { certPath, keyPath } = await serverCertificate(authority, join(folder, "tls"), options);
  identity = { cert: await readFile(certPath, "utf8"), key: await readFile(keyPath, "utf8") };
  authorityPath = join(folder, "authority.pem");
  await writeFile(authorityPath, await readFile(authority.certPath));
  await writeFile(join(folder, "password"), password, { mode: 0o600 });
  await writeFile(join(folder, "wrong"), "no", { mode: 0o600 });
});

afterEach(async () => {
  for (const server of running.splice(0)) await new Promise<void>((resolve) => server.close(resolve));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const portOf = (server: { address(): ReturnType<Server["address"]> }) =>
  (server.address() as AddressInfo).port;

/** A mail server as relays are: TLS and a login before anything else. */
async function startRelay(options: SMTPServerOptions = {}): Promise<number> {
  received = [];
  const relay = new SMTPServer({
    ...identity,
    onAuth: (given, _session, done) => {
      if (given.username === "alerts lab" && given.password === password) done(null, { user: "alerts" });
      else done(new Error("Authentication failed"));
    },
    onData: (stream, { envelope, secure }, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const to = envelope.rcptTo.map(({ address }) => address);
        received.push({ to, encrypted: secure, raw: Buffer.concat(chunks) });
        done();
      });
    },
    ...options,
  });
  // A client that breaks off is what some tests are about.
  relay.on("error", () => undefined);
  running.push(relay);
  await new Promise<void>((resolve) => relay.listen(0, "127.0.0.1", resolve));
  return portOf(relay.server);
}

interface Change {
  authorityPath?: string;
  passwordPath?: string;
  timeoutSeconds?: number;
}

/** A host whose channel is this relay, and what `dbkeeper report daily` did on it. */
async function reportOn(port: number, change: Change = {}) {
  const home = await mkdtemp(join(folder, "host-"));
  await mkdir(join(home, "backup"));
  const { timeoutSeconds = 20, ...host } = change;
  const channel = {
    to: ["dba@radioastronomy.io", "management@radioastronomy.io"],
    from: "alerts@radioastronomy.io",
    smarthost: `localhost:${port}`,
    requireTls: true,
    username: "alerts lab",
  } as const;
  const hostName = "proj-pg01.radioastronomy.io";
  const passwordPath = join(folder, "password");
  const text = mailConfiguration(channel, {
    hostName,
    passwordPath,
    authorityPath,
    ...host,
  });
  const configFile = join(home, "msmtp.conf");
  await writeFile(configFile, text, { mode: 0o400 });
  const { from } = channel;
  const config: DbkeeperConfig = {
    cluster: { name: "pg01", socketDirectory: home, role: "backup" },
    directory: join(home, "backup"),
    metricsFile: join(home, "dbkeeper.prom"),
    channels: { emails: [{ to: [...channel.to], from, program: msmtp, configFile, timeoutSeconds }] },
  };
  await writeFile(join(home, "config.json"), JSON.stringify(config));
  let output = "";
  const sink = {
    write(line: string) {
      output += line;
    },
  };
  const around = { out: sink, err: sink, signal: new AbortController().signal };
  const code = await runCli(["report", "daily", "--config", join(home, "config.json"), "--json"], around);
  const kept = (await readdir(join(home, "backup", "reports", "pg01"))).filter((name) => /^daily/.test(name));
  const metrics = await readFile(join(home, "dbkeeper.prom"), "utf8");
  return { code, output, kept: kept.length, metrics };
}

test.skipIf(!isThere)("a report goes through a relay with TLS and a login", async () => {
  const { code, output } = await reportOn(await startRelay());
  expect(code, output).toBe(0);
  expect(received).toMatchObject([
    { to: ["dba@radioastronomy.io", "management@radioastronomy.io"], encrypted: true },
  ]);
  const { headers, text } = parseMail(received[0]?.raw ?? Buffer.alloc(0));
  expect(headers.subject).toMatch(/^\[attention\] Daily report of pg01, /);
  expect(text).toContain("There is no dump yet");
  expect(output).not.toContain(password);
});

test.skipIf(!isThere)(
  "what keeps a mail from going is told, and the report is kept",
  async () => {
    const silent = createServer();
    running.push(silent);
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const nobody = portOf(closed);
    await new Promise((resolve) => closed.close(resolve));
    const { certPath: stranger } = await openCertificateAuthority(join(folder, "stranger"));
    const cases: [string, number, Change, RegExp][] = [
      [
        "a wrong password",
        await startRelay(),
        { passwordPath: join(folder, "wrong") },
        /uthentication failed/,
      ],
      ["no password", await startRelay(), { passwordPath: join(folder, "none") }, /none: No such file/],
      ["an unknown authority", await startRelay(), { authorityPath: stranger }, /issuer is unknown/],
      [
        "a server without TLS",
        await startRelay({ hideSTARTTLS: true, disabledCommands: ["STARTTLS"] }),
        {},
        /TLS/,
      ],
      [
        "a server that refuses",
        await startRelay({ onRcptTo: (_, __, done) => done(new Error("no such box")) }),
        {},
        /no such box/,
      ],
      ["nobody there", nobody, {}, /[Cc]onnection refused|cannot connect/],
      ["a server that says nothing", portOf(silent), { timeoutSeconds: 1 }, /has not ended after 1 s/],
    ];
    for (const [name, port, change, expected] of cases) {
      const { code, output, kept, metrics } = await reportOn(port, change);
      expect([name, code, kept], output).toEqual([name, 1, 3]);
      expect(output, name).toMatch(expected);
      expect(output, name).not.toContain(password);
      expect(metrics).toContain('dbkeeper_last_run_success{cluster="pg01",command="report daily"} 0\n');
    }
    expect(received).toEqual([]);
  },
  60_000,
);

test("a port of its own is TLS from the first byte, and a name that cannot be quoted is refused", () => {
  const channel = { from: "a@b.c", smarthost: "mail.b.c:465", requireTls: true };
  const render = (change: object) =>
    mailConfiguration({ ...channel, ...change }, { hostName: "h", passwordPath: "/p" });
  expect(render({})).toMatch(/^host mail\.b\.c\nport 465\n(?:.*\n)*tls on\ntls_starttls off\n/m);
  expect(render({ requireTls: false })).toMatch(/^tls off$/m);
  expect(() => render({ username: 'a"\ntls off' })).toThrow(/must not hold quotes or lines/);
});
