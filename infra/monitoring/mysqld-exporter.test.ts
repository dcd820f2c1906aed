import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import lab from "../../stacks/lab.ts";
import { testCertificates } from "../../test/certificates.ts";
import { recordResources, resolved } from "../../test/mocks.ts";
import { inboundRelations } from "../hosts/relations.ts";
import { parseSite, type SiteInput } from "../site.ts";
import { mysqldExporter } from "./mysqld-exporter.ts";
import { configuration } from "./prometheus.ts";

await recordResources();

const input = lab();
const mysqldExporterBinary = {
  version: "0.17.2",
  url: "https://example.org/mysqld_exporter",
  sha256: "0".repeat(64),
};
const withExporter: SiteInput = {
  ...input,
  databases: {
    ...input.databases,
    others: [
      { guest: "proj-my01", engine: "mysql", port: 9104, exporterHost: "proj-exp01" },
      { guest: "proj-rdb01", engine: "mysql", port: 9104, exporterHost: "proj-exp01", databasePort: 3307 },
    ],
  },
  binaries: { ...input.binaries, mysqldExporter: mysqldExporterBinary },
};
const site = parseSite(withExporter);
const guestOf = (name: string) => {
  const guest = site.guests.find((candidate) => candidate.name === name);
  if (!guest) throw new Error(`no guest ${name}`);
  return guest;
};

async function contributionOf(name: string) {
  const { hosts } = await testCertificates(site);
  const identity = hosts.get(name);
  if (!identity) throw new Error(`no certificate for ${name}`);
  const passwords = new Map([
    ["proj-my01", "first-password"],
    ["proj-rdb01", "second-password"],
  ]);
  return mysqldExporter({ site, guest: guestOf(name), identity, passwords });
}

describe("the exporter for MySQL on other guests", () => {
  it("runs where the site says, with a login for each database in a file of its own", async () => {
    expect(await contributionOf("proj-mon01")).toEqual([]);
    const [{ files = [], units = [] } = {}] = await contributionOf("proj-exp01");
    const client = files.find(({ path }) => path.endsWith(".cnf"));
    expect(client).toMatchObject({ sensitive: true, mode: "0600", owner: "mysqld_exporter" });
    expect(await resolved(client?.content as never)).toBe(
      "[client.proj-my01]\nuser = monitoring\npassword = first-password\n\n[client.proj-rdb01]\nuser = monitoring\npassword = second-password\n",
    );
    expect(units[0]?.content).toContain("--web.config.file=/etc/lab/mysqld_exporter-web.yml");
    expect(units[0]?.content).not.toContain("password");
  });

  it("is asked for each database by the name of the database's guest", () => {
    const { scrape_configs } = parse(JSON.stringify(configuration(site))) as {
      scrape_configs: Record<string, unknown>[];
    };
    expect(scrape_configs.at(-1)).toMatchObject({
      job_name: "mysql-proj-rdb01",
      scheme: "https",
      metrics_path: "/probe",
      params: { target: ["10.16.207.72:3307"], auth_module: ["client.proj-rdb01"] },
      static_configs: [{ targets: ["10.16.207.61:9104"], labels: { instance: "proj-rdb01", job: "mysql" } }],
    });
  });

  it("opens one port on its host, for Prometheus alone", () => {
    const relations = inboundRelations(site).get("proj-exp01") ?? [];
    expect(relations.filter(({ port }) => port === 9104)).toEqual([
      { from: ["10.16.207.60"], port: 9104, why: "mysql metrics" },
    ]);
  });
});

describe("a wrong exporterHost", () => {
  const message = (
    others: NonNullable<SiteInput["databases"]["others"]>,
    binaries = withExporter.binaries,
  ) => {
    try {
      parseSite({ ...withExporter, databases: { ...withExporter.databases, others }, binaries });
      return "";
    } catch (error) {
      return String(error);
    }
  };
  const entry = { guest: "proj-my01", engine: "mysql", port: 9104, exporterHost: "proj-exp01" } as const;

  it("is refused with what is wrong", () => {
    expect(message([{ ...entry, exporterHost: "proj-win01" }])).toMatch(
      /others\[0\]\.exporterHost: "proj-win01"/,
    );
    expect(message([{ ...entry, engine: "mongodb" }])).toMatch(/there is no exporter for mongodb/);
    expect(message([entry, { ...entry, guest: "proj-rdb01", port: 9105 }])).toMatch(
      /others\[1\]\.exporterHost: .* listens on port 9104 already/,
    );
    expect(message([entry], input.binaries)).toMatch(/the exporter is not among the binaries/);
  });
});
