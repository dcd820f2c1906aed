import {
  chmod,
  chown,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  makePrivateKey,
  signAuthority,
  signCertificate,
} from "../../infra/hosts/provider/certificate-signing.ts";
import {
  serverPrograms,
  skipReason,
  startCluster,
  type TestCluster,
  unprivilegedUser,
} from "../../scripts/testing/cluster.ts";
import { type Keeper, newKeeper } from "../../scripts/testing/keeper.ts";

const password = String.raw`first:light\of the night`;
const major = /\d+(?=\/bin$)/.exec(serverPrograms ?? "")?.[0] ?? "";

/** Loopback addresses of this test's own: their port 5432 is nobody else's. */
const digits = () => 1 + Math.floor(Math.random() * 254);
const named = `127.${digits()}.${digits()}.1`;
const other = named.replace(/1$/, "2");

describe.skipIf(serverPrograms === undefined)(`targets of restores (${serverPrograms ?? skipReason})`, () => {
  let folder: string;
  let source: TestCluster;
  let target: TestCluster;
  let keeper: Keeper;
  let network: { host: string; passwordFile: string; rootCertificate: string };

  /** A second installation of the same version, whose share folder lacks one extension. */
  const installWithout = async (extension: string) => {
    const root = join(folder, "usr");
    const [bin, share] = [join(root, "lib/postgresql", major, "bin"), join(root, "share/postgresql", major)];
    await mkdir(bin, { recursive: true });
    await mkdir(join(share, "extension"), { recursive: true });
    // A server looks for its files from where it lies itself, so that a link would lead it to the first ones.
    await copyFile(join(serverPrograms ?? "", "postgres"), join(bin, "postgres"));
    await symlink(`/usr/lib/postgresql/${major}/lib`, join(root, "lib/postgresql", major, "lib"));
    const link = async (from: string, to: string, keep: (name: string) => boolean) => {
      for (const name of (await readdir(from)).filter(keep)) await symlink(join(from, name), join(to, name));
    };
    const original = `/usr/share/postgresql/${major}`;
    await link(original, share, (name) => name !== "extension");
    await link(join(original, "extension"), join(share, "extension"), (name) => !name.startsWith(extension));
    return bin;
  };

  /** The server's key and certificate, and who may connect to it: over TLS, by password. */
  const secured = async () => {
    const validity = { from: new Date(), days: 2 };
    const [authorityKey, key] = [makePrivateKey(), makePrivateKey()];
    const permitted = { dnsDomains: [], ipRanges: [] };
    const authority = await signAuthority({
      commonName: "test",
      privateKey: authorityKey,
      validity,
      permitted,
    });
    const certificate = await signCertificate(
      {
        commonName: "db2",
        privateKey: key,
        validity,
        usages: ["server"],
        dnsNames: [],
        ipAddresses: [named],
      },
      { certificate: authority, privateKey: authorityKey },
    );
    const file = (name: string) => join(folder, name);
    await writeFile(file("server.pem"), certificate);
    await writeFile(file("server.key"), key, { mode: 0o600 });
    await writeFile(file("ca.pem"), authority);
    await writeFile(file("other-ca.pem"), certificate);
    await writeFile(
      file("pg_hba.conf"),
      "local all all trust\nhostssl all postgres 127.0.0.0/8 scram-sha-256\n",
    );
    await writeFile(file("pgpass"), `*:5432:*:postgres:${password.replaceAll(/[:\\]/g, "\\$&")}\n`, {
      mode: 0o600,
    });
    if (process.getuid?.() === 0) {
      const { uid, gid } = await unprivilegedUser();
      await chown(file("server.key"), uid, gid);
    }
    network = { host: named, passwordFile: file("pgpass"), rootCertificate: file("ca.pem") };
    return `listen_addresses = '${named},${other}'\nhba_file = '${file("pg_hba.conf")}'\nssl = on
ssl_cert_file = '${file("server.pem")}'\nssl_key_file = '${file("server.key")}'\n`;
  };

  const restore = async (changes: Partial<typeof network>, ...argv: string[]) => {
    await keeper.configure({
      restore: { targets: { db2: { role: "postgres", network: { ...network, ...changes } } } },
    });
    return await keeper.run("restore", "--yes", "--into", "db2", "--unvalidated", ...argv);
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "dbkeeper-targets-"));
    await chmod(folder, 0o755);
    const settings = await secured();
    const installation = await installWithout("pg_trgm");
    [source, target] = await Promise.all([startCluster(), startCluster(settings, installation)]);
    await target.sql(`alter role postgres password '${password}'`);
    await source.sql("create database desi");
    await source.sql("create table voids as select i from generate_series(1, 100) i", "desi");
    await source.sql("create database searched");
    await source.sql("create extension pg_trgm", "searched");
    keeper = await newKeeper(source);
    const outcome = await keeper.run("dump");
    expect(outcome.code, outcome.output).toBe(0);
  }, 120_000);

  afterAll(async () => {
    await Promise.all([source?.stop(), target?.stop()]);
    await Promise.all([folder, keeper?.folder].map((path) => path && rm(path, { recursive: true })));
  });

  test("a server on another host is restored to over TLS, by the password in a private file", async () => {
    const outcome = await restore({}, "--database", "desi", "--globals");
    expect(outcome.code, outcome.output).toBe(0);
    expect(await target.sql("select count(*)::int from voids", "desi")).toEqual([{ count: 100 }]);
    expect(outcome.output).not.toContain(password);
    expect(outcome.output).toContain(`to ${named} port 5432`);
    expect(await readFile(keeper.configFile, "utf8")).not.toContain(password);
  }, 60_000);

  test.each([
    ["whose certificate is for another name", () => ({ host: other }), 5, /does not match|altnames/i],
    [
      "whose authority is unknown",
      () => ({ rootCertificate: join(folder, "other-ca.pem") }),
      5,
      /certificate/,
    ],
    ["without the file of its authority", () => ({ rootCertificate: "/nowhere" }), 3, /rootCertificate/],
    ["without a password for it", () => ({ passwordFile: "/dev/null" }), 3, /passwordFile/],
  ])("a server %s is refused", async (_what, changes, code, reason) => {
    const outcome = await restore(changes(), "--database", "desi", "--as", "refused");
    expect([outcome.code, outcome.output]).toEqual([code, expect.stringMatching(reason)]);
  });

  test("a password file that others may read is refused, and a wrong password says so", async () => {
    const loose = join(folder, "loose");
    await writeFile(loose, "*:*:*:*:wrong\n");
    await chmod(loose, 0o644);
    const open = await restore({ passwordFile: loose }, "--database", "desi", "--as", "refused");
    expect([open.code, open.output]).toEqual([3, expect.stringContaining("chmod 600")]);
    await chmod(loose, 0o600);
    const wrong = await restore({ passwordFile: loose }, "--database", "desi", "--as", "refused");
    expect([wrong.code, wrong.output]).toEqual([
      5,
      expect.stringContaining("password authentication failed"),
    ]);
  });

  test("an extension that the target's host lacks is named with its package, and nothing is done", async () => {
    const outcome = await restore({}, "--database", "searched", "--globals");
    expect(outcome.code, outcome.output).toBe(3);
    expect(outcome.output).toContain(
      `extension \\"pg_trgm\\" is not installed on the target's host; install its package there, usually postgresql-${major}`,
    );
    const databases = await target.sql("select datname from pg_database where datname = 'searched'");
    expect(databases).toEqual([]);
  });
});
