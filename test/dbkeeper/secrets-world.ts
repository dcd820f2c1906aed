import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { appendFile, chown, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { execa } from "execa";
import { serverCertificate } from "../../rehearsal/lib/tls.ts";
import { startAws, type TestAws } from "../../rehearsal/s3/proxy-testing.ts";
import { bundleRuntime } from "../../scripts/bundle.ts";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import { serverPrograms, startCluster, type TestCluster } from "../../scripts/testing/cluster.ts";
import { type Keeper, newKeeper } from "../../scripts/testing/keeper.ts";
import { startWalHost, type WalHost } from "../wal/host.ts";
import { makeBucket, makeUsers, writerName } from "./archive-world.ts";
import { makeRecordingPrograms } from "./secrets-watch.ts";

/** A host with everything that has a secret, and what it tells while its commands run. */
export interface SecretWorld {
  /** What nobody may find anywhere, by what it is. */
  secrets: Readonly<Record<string, string>>;
  host: WalHost;
  keeper: Keeper;
  recovery: TestCluster;
  /** Folders in which secrets are kept, by decision. */
  keptIn: readonly string[];
  /** Folder that `TMPDIR` names. */
  temporary: string;
  /** The server's own log, at its most talkative, of the cluster that is restored to. */
  recoveryLog: string;
  /** Everything that commands wrote to standard output and standard error, by command. */
  told: Map<string, string>;
  /** What the webhook was given. */
  posted: readonly string[];
  /** Writes a file for the secrets' folder and gives its path. */
  keep(name: string, content: string): Promise<string>;
  /** Runs the bundle as a timer would. */
  run(...argv: string[]): Promise<{ code: number; output: string }>;
  /** Starts it without waiting; the caller ends it. */
  start(...argv: string[]): ReturnType<typeof spawn>;
  runWal(...argv: string[]): Promise<{ code: number; output: string }>;
  configure(more?: Partial<DbkeeperConfig>): Promise<void>;
  config: DbkeeperConfig;
  /** Lets pgBackRest write into a bucket too: as its server is slow, not from the beginning. */
  addS3Repository(): Promise<void>;
  programs: Awaited<ReturnType<typeof makeRecordingPrograms>>;
  stop(): Promise<void>;
}

export async function startSecretWorld(motoServer: string): Promise<SecretWorld> {
  // Nobody else's, so that the port need not be: the test's servers all have the same.
  const recoveryAddress = `127.${randomInt(1, 255)}.${randomInt(255)}.${randomInt(1, 255)}`;
  const secret = (what: string) => `planted-${what}-${randomBytes(12).toString("hex")}`;
  const [aws, host, recovery, bundle] = await Promise.all([
    startAws(motoServer),
    startWalHost(),
    startCluster(
      `listen_addresses = '${recoveryAddress}'\nlogging_collector = on\nlog_min_messages = warning\nlog_statement = all\nlog_min_duration_statement = 0\n`,
    ),
    bundleRuntime(),
  ]);
  const keeper = await newKeeper(host.cluster);
  const kept = join(keeper.folder, "secrets");
  const temporary = join(keeper.folder, "tmp");
  for (const folder of [kept, temporary]) await mkdir(folder, { mode: 0o700 });
  const keep = async (name: string, content: string) => {
    await writeFile(join(kept, name), content, { mode: 0o600 });
    return join(kept, name);
  };
  const path = process.env.PATH ?? "";
  const postgres = ["pg_dump", "pg_dumpall", "pg_restore"];
  const programs = await makeRecordingPrograms(join(keeper.folder, "programs"), {
    ...Object.fromEntries(postgres.map((name) => [name, join(serverPrograms ?? "", name)])),
    age: "/usr/bin/age",
    zstd: "/usr/bin/zstd",
    pgbackrest: "/usr/bin/pgbackrest",
    sendmail: "/bin/sh -c 'cat > /dev/null' sendmail",
  });

  const sink = await startSink();
  const users = await archiveUsers(aws);
  const identity = await identityIn(kept);
  const [salt, storedKey, serverKey] = [16, 32, 32].map((bytes) => randomBytes(bytes).toString("base64"));
  const secrets = {
    "password hash of a role": `SCRAM-SHA-256$4096:${salt}$${storedKey}:${serverKey}`,
    "password in a user mapping": secret("mapping"),
    "password of the server in the network": secret("superuser"),
    "private key of age": identity.key,
    "writer's S3 key": users.writer.secretAccessKey,
    "reader's S3 key": users.reader.secretAccessKey,
    "pgBackRest's S3 key": aws.root.secretAccessKey,
    "passphrase of the local repository": await localPassphrase(host),
    "passphrase of the S3 repository": secret("passphrase-of-physical-backups"),
    "token in the webhook's address": secret("token"),
    "password of the mail relay": secret("relay"),
  };
  await plant(host, secrets);

  const { socketDirectory, port } = host.cluster;
  const webhook = await keep("webhook", `${sink.url}/${secrets["token in the webhook's address"]}`);
  const relay = await keep("relay", `account default\npassword ${secrets["password of the mail relay"]}\n`);
  const config: DbkeeperConfig = {
    // The role that sees most: a superuser's dump holds what is in user mappings too.
    cluster: { name: "pg01", socketDirectory, port, role: "postgres", binDirectory: programs.folder },
    directory: keeper.directory,
    metricsFile: join(keeper.folder, "dbkeeper.prom"),
    minimumFreeBytes: 0,
    databases: ["desi"],
    restore: { targets: { recovery: await openToTheNetwork(recovery, aws, recoveryAddress, secrets, keep) } },
    encryption: { recipients: [identity.recipient], identityFile: join(kept, "identity") },
    channels: {
      emails: [
        {
          to: ["dba@example.org"],
          from: "pg01@example.org",
          program: join(programs.folder, "sendmail"),
          configFile: relay,
        },
      ],
      webhooks: [{ urlFile: webhook }],
    },
    archive: {
      bucket: "dumps",
      prefix: writerName,
      region: aws.region,
      endpoint: aws.url,
      caFile: await keep("authority.pem", aws.authority.certPem),
      credentialsFile: await keep("writer.json", JSON.stringify(users.writer)),
      readerCredentialsFile: await keep("reader.json", JSON.stringify(users.reader)),
    },
  };
  const configure = async (more: Partial<DbkeeperConfig> = {}) =>
    writeFile(keeper.configFile, JSON.stringify({ ...config, ...more }));
  await configure();

  const told = new Map<string, string>();
  const start = (...argv: string[]) =>
    spawn(process.execPath, [bundle, ...argv, "--config", keeper.configFile], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: `${programs.folder}:${path}`, TMPDIR: temporary, MONITOR_SERVICE_RESULT: "exit-code" },
    });
  const note = (argv: readonly string[], output: string) =>
    told.set(argv.join(" "), `${told.get(argv.join(" ")) ?? ""}${output}`);
  return {
    secrets,
    host,
    keeper,
    recovery,
    keptIn: [kept, join(host.folder, "conf.d")],
    temporary,
    recoveryLog: join(recovery.socketDirectory, "data", "log"),
    told,
    posted: sink.bodies,
    keep,
    start,
    async run(...argv) {
      const child = start(...argv);
      let output = "";
      for (const stream of [child.stdout, child.stderr])
        stream?.setEncoding("utf8").on("data", (text: string) => {
          output += text;
        });
      const [code] = (await once(child, "close")) as [number];
      note(argv, output);
      return { code, output };
    },
    async runWal(...argv) {
      const { code, output } = await host.wal(...argv);
      note(["wal", ...argv], output);
      return { code, output };
    },
    configure,
    addS3Repository: () => addS3Repository(host, aws, secrets["passphrase of the S3 repository"]),
    config,
    programs,
    async stop() {
      await sink.close();
      await Promise.all([host.stop(), recovery.stop(), aws.close()]);
      await rm(keeper.folder, { recursive: true });
    },
  };
}

/** Lets a server be reached by password over TLS; how to. */
async function openToTheNetwork(
  { socketDirectory, port, sql }: TestCluster,
  aws: TestAws,
  host: string,
  secrets: Readonly<Record<string, string>>,
  keep: SecretWorld["keep"],
) {
  const password = secrets["password of the server in the network"];
  const data = join(socketDirectory, "data");
  const folder = join(socketDirectory, "tls");
  const names = { name: "recovery", ipAddresses: [host], dnsNames: [] };
  const { certPath, keyPath } = await serverCertificate(aws.authority, folder, names);
  const { uid, gid } = await stat(data);
  for (const path of [folder, certPath, keyPath]) await chown(path, uid, gid);
  await appendFile(join(data, "pg_hba.conf"), "hostssl all all 127.0.0.0/8 scram-sha-256\n");
  await sql(`alter role postgres password '${password}'`);
  await sql(`alter system set ssl_cert_file = '${certPath}'`);
  await sql(`alter system set ssl_key_file = '${keyPath}'`);
  await sql("alter system set ssl = on");
  await sql("select pg_reload_conf()");
  const network = {
    host,
    passwordFile: await keep("pgpass", `${host}:${port}:*:postgres:${password}\n`),
    rootCertificate: await keep("root.pem", aws.authority.certPem),
  };
  return { role: "postgres", port, network };
}

/** Takes everything that is posted, and keeps it. */
async function startSink() {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    request.setEncoding("utf8").on("data", (text: string) => bodies.push(text));
    request.on("end", () => response.writeHead(200).end());
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    bodies,
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await once(server.close(), "close");
    },
  };
}

async function archiveUsers(aws: TestAws) {
  const buckets = [await makeBucket(aws, "dumps"), await makeBucket(aws, "physical")] as const;
  return await makeUsers(aws, [buckets[0]]);
}

/** A new private key of age, in the file `identity` of a folder. */
async function identityIn(folder: string): Promise<{ key: string; recipient: string }> {
  const file = join(folder, "identity");
  await execa("age-keygen", ["-o", file]);
  const [key = ""] = /AGE-SECRET-KEY-\S+/.exec(await readFile(file, "utf8")) ?? [];
  return { key, recipient: (await execa("age-keygen", ["-y", file])).stdout };
}

async function localPassphrase({ folder }: WalHost): Promise<string> {
  const text = await readFile(join(folder, "conf.d", "secrets.conf"), "utf8");
  return /repo1-cipher-pass=(\S+)/.exec(text)?.[1] ?? "";
}

/** A database in which secrets are, as sites have them. */
async function plant({ cluster }: WalHost, secrets: Readonly<Record<string, string>>): Promise<void> {
  await cluster.sql(`create role astronomer login password '${secrets["password hash of a role"]}'`);
  // The other server is on the same machine.
  await cluster.sql("drop table spaced");
  await cluster.sql("drop tablespace elsewhere");
  await cluster.sql("create database desi");
  await cluster.sql(
    `create table voids as select i, md5(i::text) from generate_series(1, 2000) i;
     create foreign data wrapper nowhere; create server elsewhere foreign data wrapper nowhere;
     create user mapping for astronomer server elsewhere
       options (user 'astronomer', password '${secrets["password in a user mapping"]}')`,
    "desi",
  );
}

async function addS3Repository({ folder }: WalHost, aws: TestAws, passphrase: string): Promise<void> {
  const file = join(folder, "conf.d", "s3.conf");
  const { port } = new URL(aws.url);
  const authority = join(folder, "authority.pem");
  await writeFile(authority, aws.authority.certPem);
  const options = {
    type: "s3",
    path: "/pg01",
    "s3-bucket": "physical",
    "s3-region": aws.region,
    // It holds certificates against names only.
    "s3-endpoint": "localhost",
    "storage-port": port,
    "storage-ca-file": authority,
    "s3-uri-style": "path",
    "s3-key": aws.root.accessKeyId,
    "s3-key-secret": aws.root.secretAccessKey,
    "cipher-type": "aes-256-cbc",
    "cipher-pass": passphrase,
    "retention-full": "2",
    bundle: "y",
  };
  const lines = Object.entries(options).map(([name, value]) => `repo2-${name}=${value}\n`);
  await writeFile(file, `[global]\n${lines.join("")}`, { mode: 0o600 });
  const { uid, gid } = await stat(join(folder, "conf.d"));
  for (const path of [file, authority]) await chown(path, uid, gid);
}
