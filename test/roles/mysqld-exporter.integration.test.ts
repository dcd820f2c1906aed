import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { scraperName } from "../../infra/hosts/certificates.ts";
import type { KeyPair } from "../../infra/hosts/provider/certificate-sdk.ts";
import {
  makePrivateKey,
  signAuthority,
  signCertificate,
} from "../../infra/hosts/provider/certificate-signing.ts";
import { keyPairFiles, trustedAuthorities } from "../../infra/hosts/tls.ts";
import { mysqldExporter, mysqlMonitoringUser } from "../../infra/monitoring/mysqld-exporter.ts";
import { configuration } from "../../infra/monitoring/prometheus.ts";
import { parseSite, type SiteInput } from "../../infra/site.ts";
import { freePort } from "../../rehearsal/lib/ports.ts";
import { waitFor } from "../../rehearsal/lib/wait.ts";
import lab from "../../stacks/lab.ts";
import { machineContext } from "../../tools/context.ts";
import { findTool } from "../../tools/find.ts";
import { searchPath } from "../../tools/path.ts";
import { recordResources, resolved } from "../mocks.ts";

await recordResources();

const context = machineContext({});
const [prometheus, { found: mariadb }, ...exporters] = await Promise.all([
  findTool("prometheus"),
  searchPath({ name: "mariadbd", why: "The database that is watched.", folders: ["/usr/sbin"] }, context),
  ...["mysqld_exporter", "prometheus-mysqld-exporter"].map((name) =>
    searchPath(
      {
        name,
        why: "Asks the database.",
        minimum: { version: "0.15.0", why: "older ones know no /probe" },
        versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\.\d+)/ },
      },
      context,
    ),
  ),
]);
const exporter = exporters.flatMap(({ found }) => found ?? [])[0];
const complete = prometheus && mariadb && exporter;
if (!complete)
  console.warn("skipped: mariadbd, prometheus and mysqld_exporter 0.15 or newer are needed on PATH");

/** The lab's guests on loopback addresses, so that all of them are this machine. */
function localSite(exporterPort: number, databasePort: number) {
  const input: SiteInput = lab();
  const local = (address: string) => address.replace(/^.*\./, "127.0.0.");
  return parseSite({
    ...input,
    networks: { lab: { cidr: "127.0.0.0/24", bridge: "vmbr0" } },
    guests: input.guests.map((guest) => ({ ...guest, address: local(guest.address) })),
    databases: {
      ...input.databases,
      others: [
        {
          guest: "proj-my01",
          engine: "mysql",
          port: exporterPort,
          exporterHost: "proj-exp01",
          databasePort,
        },
      ],
    },
    binaries: {
      ...input.binaries,
      mysqldExporter: { version: "0.17.2", url: "https://example.org/", sha256: "0".repeat(64) },
    },
  });
}

describe.skipIf(!complete)("the exporter for MySQL on other guests", { timeout: 60_000 }, () => {
  const running: ReturnType<typeof start>[] = [];
  const password = "a-password-of-the-test";
  let folder: string;
  let prometheusUrl: string;
  let probe: string;

  /** Of what the program delivers, everything lies in the test's folder instead of the host's. */
  const here = (text: string) => text.replaceAll("/etc/lab", folder);
  const run = (file: string, args: readonly string[]) => {
    const child = start(file, args);
    running.push(child);
    return child;
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mysqld-exporter-"));
    const [exporterPort, databasePort, prometheusPort] = await Promise.all([
      freePort("127.0.0.61"),
      freePort("127.0.0.70"),
      freePort(),
    ]);
    const site = localSite(exporterPort, databasePort);
    const guest = site.guests.find(({ name }) => name === "proj-exp01");
    if (!guest) throw new Error("the lab has no proj-exp01");
    await startDatabase(databasePort);

    const { authority, identity, scraper } = await makeCertificates(scraperName(site));
    const passwords = new Map([["proj-my01", password]]);
    const [contribution] = mysqldExporter({ site, guest, identity, passwords });
    await mkdir(join(folder, "tls"));
    const files = [
      ...(contribution?.files ?? []),
      ...(trustedAuthorities(authority).files ?? []),
      ...keyPairFiles("scraper", "prometheus", scraper),
    ];
    for (const { path, content, mode } of files) {
      if (content === undefined) continue;
      const text = await resolved(pulumi.output(content));
      await writeFile(here(path), here(String(text)), { mode: Number.parseInt(mode ?? "0644", 8) });
    }
    const command = /^ExecStart=\S+ (.*)$/m.exec(String(contribution?.units?.[0]?.content))?.[1] ?? "";
    run(exporter?.path ?? "", here(command).split(" "));

    const { global, scrape_configs } = configuration(site) as {
      global: object;
      scrape_configs: { job_name: string; params: Record<string, string[]> }[];
    };
    const job = scrape_configs.find(({ job_name }) => job_name === "mysql-proj-my01");
    const query = new URLSearchParams(
      Object.entries(job?.params ?? {}).map(([name, [value = ""]]): [string, string] => [name, value]),
    );
    probe = `https://${guest.address}:${exporterPort}/probe?${query}`;
    const config = { global: { ...global, scrape_interval: "1s" }, scrape_configs: [job] };
    await writeFile(join(folder, "prometheus.yml"), here(stringify(config)));
    prometheusUrl = `http://127.0.0.1:${prometheusPort}`;
    run(prometheus?.path ?? "", [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/prometheus`,
      `--web.listen-address=127.0.0.1:${prometheusPort}`,
    ]);
  }, 60_000);

  afterAll(async () => {
    for (const child of running) child.kill("SIGTERM");
    await Promise.all(running);
    await rm(folder, { recursive: true, force: true });
  });

  async function startDatabase(port: number): Promise<void> {
    const program = mariadb?.path ?? "";
    const base = dirname(dirname(program));
    const data = join(folder, "data");
    await execa(join(base, "bin", "mariadb-install-db"), [
      "--no-defaults",
      ...[`--basedir=${base}`, `--datadir=${data}`, "--user=root"],
      ...["--auth-root-authentication-method=normal", "--skip-test-db"],
    ]);
    const account = `'${mysqlMonitoringUser}'@'127.0.0.%'`;
    // As docs/site.md tells the owner of the database.
    await writeFile(
      join(folder, "account.sql"),
      `CREATE USER ${account} IDENTIFIED BY '${password}' WITH MAX_USER_CONNECTIONS 3;\nGRANT PROCESS, REPLICATION CLIENT, SELECT ON *.* TO ${account};\n`,
    );
    const server = run(program, [
      "--no-defaults",
      ...[`--basedir=${base}`, `--datadir=${data}`, "--user=root", `--socket=${folder}/socket`],
      ...[`--port=${port}`, "--bind-address=127.0.0.70", `--init-file=${folder}/account.sql`],
    ]);
    await Promise.race([
      waitFor(() => access(join(folder, "socket")).then(() => true), {
        what: "the database to listen",
        timeoutSeconds: 30,
      }),
      server.then(({ all }) => {
        throw new Error(`the database ended: ${all}`);
      }),
    ]);
  }

  const ask = async (query: string) => {
    const answer = await fetch(`${prometheusUrl}/api/v1/query?${new URLSearchParams({ query })}`).catch(
      () => undefined,
    );
    if (!answer?.ok) return [];
    const { data } = (await answer.json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    return data.result;
  };

  it("logs in to the database that Prometheus names, and Prometheus calls it by its guest", async () => {
    const [found] = await waitFor(
      async () => {
        const result = await ask("mysql_up == 1");
        return result.length > 0 && result;
      },
      { what: "Prometheus to know of the database", timeoutSeconds: 30, intervalMs: 250 },
    );
    expect(found?.metric).toMatchObject({ job: "mysql", instance: "proj-my01" });
    const [version] = await ask("mysql_version_info");
    expect(version?.metric.version).toContain("MariaDB");
    expect(await ask("mysql_global_status_threads_connected")).toHaveLength(1);
  });

  it("answers nobody without Prometheus's certificate", async () => {
    const curl = (...options: string[]) =>
      execa("curl", ["--silent", "--cacert", join(folder, "tls/ca.pem"), ...options, probe], {
        reject: false,
      });
    const stranger = await curl();
    expect([55, 56]).toContain(stranger.exitCode);
    expect(stranger.stdout).toBe("");
    const key = ["--cert", join(folder, "tls/scraper.pem"), "--key", join(folder, "tls/scraper.key")];
    expect((await curl(...key)).stdout).toContain("mysql_up 1");
  });
});

function start(file: string, args: readonly string[]) {
  return execa(file, args, { reject: false, all: true, stdin: "ignore" });
}

/** An authority, and what the exporter and Prometheus prove themselves with. */
async function makeCertificates(scraperName: string) {
  const privateKey = makePrivateKey();
  const validity = { from: new Date(), days: 2 };
  const permitted = { dnsDomains: [], ipRanges: [] };
  const authority = await signAuthority({ commonName: "authority", privateKey, validity, permitted });
  const pair = async (dnsNames: string[], ipAddresses: string[]): Promise<KeyPair> => {
    const certificate = await signCertificate(
      {
        commonName: "test",
        privateKey,
        validity,
        usages: ["server", "client"],
        dnsNames,
        ipAddresses,
      },
      { certificate: authority, privateKey },
    );
    return { certificate: pulumi.output(certificate), privateKey: pulumi.output(privateKey) };
  };
  return {
    authority,
    identity: await pair(["proj-exp01"], ["127.0.0.61"]),
    scraper: await pair([scraperName], []),
  };
}
