import { spawn } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findMotoServer } from "../../rehearsal/s3/testing.ts";
import { until } from "../../scripts/testing/wait.ts";
import { whySkipped } from "../wal/host.ts";
import { mistakes } from "./secrets-mistakes.ts";
import { findSecrets, secretsIn, watchDescendants } from "./secrets-watch.ts";
import { type SecretWorld, startSecretWorld } from "./secrets-world.ts";

const motoServer = await findMotoServer();
const why = whySkipped ?? (motoServer === undefined ? "no moto_server" : undefined);

describe.skipIf(why !== undefined)(`secrets (${why ?? "every command"})`, () => {
  let world: SecretWorld;
  let watch: ReturnType<typeof watchDescendants>;

  beforeAll(async () => {
    world = await startSecretWorld(motoServer ?? "");
    watch = watchDescendants();
  });
  afterAll(async () => {
    watch?.stop();
    await world?.stop();
  });

  const succeed = async (...argv: string[]) => {
    const { code, output } = await (argv[0] === "wal" ? world.runWal(...argv.slice(1)) : world.run(...argv));
    expect(code, output).toBe(0);
    return output;
  };

  test("a secret in an argument, a variable or a file would be found", async () => {
    const secret = "one-of-nobody";
    const child = spawn("sleep", ["60"], { argv0: secret, env: { PGPASSWORD: secret } });
    await until("the process to be seen", async () => {
      const named = watch.seen().filter(({ arguments: text }) => text.includes(secret));
      return named.some(({ environment }) => environment.includes(secret));
    }).finally(() => child.kill());
    expect(secretsIn({ secret }, `x ${secret} y`)).toEqual(["secret"]);
    expect(await findSecrets(world.secrets, world.keptIn[0] ?? "")).not.toEqual([]);
  });

  test("every command does its work", async () => {
    await Promise.all([dumps(), physicalBackups()]);
    const help = (await world.run("--help")).output;
    const commands = [...help.matchAll(/^ {2}([a-z]+)(?= .* {2}|\s{2,})/gm)].map(([, name]) => name);
    const ran = new Set([...world.told.keys()].map((command) => command.split(" ")[0]));
    expect(commands.length).toBeGreaterThan(10);
    expect(commands.filter((name) => name !== "help" && !ran.has(name ?? ""))).toEqual([]);
  }, 240_000);

  test("every changing command left one line that says who did what, and how it ended", () => {
    const audits = [...world.told].map(([command, output]) => {
      const lines = output.split("\n").filter((line) => line.includes('"event":"audit"'));
      return { command, lines };
    });
    const changing =
      /^(dump|validate|archive|archive verify --all|archive restore \S+|restore .*|maintain all|run|prune|wal (?!status).*)$/;
    expect(audits.filter(({ command }) => changing.test(command)).length).toBeGreaterThan(12);
    for (const { command, lines } of audits) {
      expect(lines, command).toHaveLength(changing.test(command) ? (command === "wal setup" ? 2 : 1) : 0);
    }
  });

  test("what goes wrong is told without the secret that it went wrong with", async () => {
    for (const [what, argv, differences] of await mistakes(world)) {
      await world.configure(differences);
      const { code, output } = await world.run(...argv);
      expect(code, `${what}: ${output}`).toBeGreaterThan(0);
      expect(secretsIn(world.secrets, output), `${what}: ${output}`).toEqual([]);
    }
    await world.configure();
  }, 240_000);

  test("no process had a secret in its arguments or its variables", async () => {
    const records = await world.programs.records();
    expect(new Set(records.map(({ program }) => program))).toEqual(
      new Set(["pg_dump", "pg_dumpall", "pg_restore", "age", "zstd", "sendmail"]),
    );
    const seen = [...watch.seen(), ...records];
    expect(seen.some(({ arguments: text }) => text.startsWith("pgbackrest"))).toBe(true);
    const telling = seen
      .map((process) => ({ process, secrets: secretsIn(world.secrets, JSON.stringify(process)) }))
      .filter(({ secrets }) => secrets.length > 0);
    expect(telling).toEqual([]);
    // Names of variables that hold a secret by their meaning; where it is kept (PGPASSFILE) is none.
    const names = /(^|\0)(PGPASSWORD|AWS_SECRET_ACCESS_KEY|PGBACKREST_\w+|AGE_\w+|\w*PASSPHRASE)=/;
    expect(records.filter(({ environment }) => names.test(environment))).toEqual([]);
  });

  test("nothing secret was told, sent, logged or left behind", async () => {
    const { secrets, told, posted, keeper, host, keptIn, temporary, recoveryLog } = world;
    for (const [command, output] of told) expect(secretsIn(secrets, output), command).toEqual([]);
    expect(posted.length).toBeGreaterThan(0);
    expect(secretsIn(secrets, posted.join("\n"))).toEqual([]);
    expect(await findSecrets(secrets, keeper.folder, keptIn)).toEqual([]);
    expect(await findSecrets(secrets, host.folder, keptIn)).toEqual([]);
    expect(await readdir(temporary)).toEqual([]);
    const hash = { "password hash of a role": secrets["password hash of a role"] ?? "" };
    expect(await findSecrets(hash, recoveryLog)).toEqual([]);
    expect(await findSecrets({ log: "statement: " }, recoveryLog)).not.toEqual([]);
    const roles = await world.recovery.sql("select rolpassword from pg_authid where not rolsuper");
    expect(roles).toContainEqual({ rolpassword: Object.values(hash)[0] });
  });

  const dumps = async () => {
    await succeed("dump");
    await succeed("validate");
    await succeed("archive");
    await succeed("archive", "list");
    await succeed("archive", "verify", "--all");
    const run = await world.keeper.newest();
    await rm(run.folder, { recursive: true });
    await succeed("archive", "restore", run.id);
    await succeed("restore", "--all", "--globals", "--into", "recovery", "--yes");
    await succeed("maintain", "all");
    await succeed("run");
    await succeed("prune");
    await succeed("status");
    await succeed("report", "daily");
    await succeed("failed", "--unit", "dbkeeper.service");
    await world.run("health", "--only", "server,dumps,folders");
    await world.run("observe");
    await scrape();
  };

  const physicalBackups = async () => {
    for (const command of ["setup", "backup", "check", "expire", "drill"]) await succeed("wal", command);
    await world.addS3Repository();
    await succeed("wal", "setup");
    await succeed("wal", "status");
  };

  /** What Prometheus and load balancers read. */
  const scrape = async () => {
    await world.configure({ health: { port: 0 } });
    const server = world.start("health", "serve");
    let output = "";
    server.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const url = () => /"url":"([^"]+)"/.exec(output)?.[1];
    await until("the server", async () => url() !== undefined);
    for (const path of ["/health", "/metrics"]) output += await (await fetch(`${url()}${path}`)).text();
    const ended = new Promise((resolve) => server.once("close", resolve));
    server.kill();
    await ended;
    world.told.set("health serve", output);
    expect(output).toContain("dbkeeper_last_validated_timestamp_seconds");
    await world.configure();
  };
});
