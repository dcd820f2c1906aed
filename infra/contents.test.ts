import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configSchema } from "../scripts/config.ts";
import { recordedLab } from "../test/recorded-lab.ts";

const { site, named } = await recordedLab();

describe("hosts", () => {
  const unitsOf = (host: string) =>
    (named("hosts:index:Delivery", host).units as readonly { name: string }[]).map(({ name }) => name);
  const filesOf = (host: string) =>
    named("hosts:index:Delivery", host).files as Record<
      string,
      { content?: string; source?: unknown; sensitive?: boolean }
    >;

  it("are scraped by Prometheus under their names", () => {
    const config = parse(filesOf("proj-mon01")["/etc/prometheus/prometheus.yml"]?.content ?? "") as {
      scrape_configs: {
        job_name: string;
        static_configs: { targets: string[]; labels: { instance: string } }[];
      }[];
    };
    const targets = (job: string) =>
      config.scrape_configs
        .find(({ job_name }) => job_name === job)
        ?.static_configs.map(({ targets: [target], labels }) => [labels.instance, target]);
    expect(targets("postgres")).toEqual([
      ["proj-pg01", "10.16.207.52:9187"],
      ["proj-pg02", "10.16.207.53:9187"],
    ]);
    expect(targets("rustydb-proj-rdb01")).toEqual([["proj-rdb01", "10.16.207.72:8080"]]);
    expect(targets("node")?.map(([instance]) => instance)).toContain("proj-exp01");
  });

  it("are scraped over TLS with a certificate, and show themselves only to who logs in", () => {
    const { scrape_configs, alerting } = parse(
      filesOf("proj-mon01")["/etc/prometheus/prometheus.yml"]?.content ?? "",
    ) as {
      scrape_configs: { job_name: string; scheme?: string; tls_config?: object; basic_auth?: object }[];
      alerting: { alertmanagers: { scheme?: string; basic_auth?: object }[] };
    };
    for (const { job_name, scheme, tls_config, basic_auth } of scrape_configs.slice(0, 4)) {
      expect(scheme).toBe("https");
      expect(tls_config).toMatchObject({ ca_file: "/etc/lab/tls/ca.pem" });
      const proof = basic_auth === undefined ? "certificate" : "password";
      expect(proof).toBe(["node", "postgres"].includes(job_name) ? "certificate" : "password");
    }
    expect(alerting.alertmanagers[0]).toMatchObject({ scheme: "https", basic_auth: { username: "lab" } });
    expect(named("grafana:oss/dataSource:DataSource", "grafana")).toMatchObject({
      url: "https://10.16.207.60:9090",
      basicAuthEnabled: true,
      secureJsonDataEncoded: JSON.stringify({
        basicAuthPassword: "generated-password",
        tlsCACert: "CERTIFICATE ca1",
      }),
    });
  });

  it("keep each private key in sensitive files alone, each for one account", () => {
    for (const { name } of site.guests.filter(({ managed }) => managed)) {
      const holding = Object.entries(filesOf(name)).filter(([, { content }]) => content?.startsWith("KEY "));
      expect(holding.length).toBeGreaterThan(0);
      for (const [path, file] of holding) {
        expect(path).toMatch(/^\/etc\/lab\/tls\/\w+\.key$/);
        expect(file).toMatchObject({ sensitive: true, mode: "0600" });
      }
    }
    expect(filesOf("proj-pg01")["/etc/lab/tls/postgresql.key"]?.content).toBe("KEY proj-pg01-postgresql");
    expect(filesOf("proj-pg01")["/etc/lab/tls/node_exporter.key"]?.content).toBe("KEY proj-pg01");
  });

  it("hold the replication password only in sensitive files", () => {
    for (const host of ["proj-pg01", "proj-pg02"]) {
      const holding = Object.entries(filesOf(host)).filter(([, { content }]) =>
        content?.includes("generated-password"),
      );
      expect(holding.map(([, { sensitive }]) => sensitive)).toEqual([true]);
    }
  });

  it("hold the passphrase of the physical backups in a sensitive file of the database alone", () => {
    const passphrase = "passphrase-of-pg01-backups";
    for (const { name } of site.guests.filter(({ managed }) => managed)) {
      const holding = Object.entries(filesOf(name)).filter(([, { content }]) =>
        content?.includes(passphrase),
      );
      expect(holding).toMatchObject(
        name === "proj-pg01"
          ? [["/etc/pgbackrest/conf.d/secrets.conf", { sensitive: true, mode: "0600", owner: "postgres" }]]
          : [],
      );
    }
  });

  it("hold the key that puts dumps into the archive in a sensitive file of the database alone", () => {
    for (const { name } of site.guests.filter(({ managed }) => managed)) {
      const holding = Object.entries(filesOf(name)).filter(([, { content }]) =>
        content?.includes("aws-secret"),
      );
      expect(holding).toMatchObject(
        name === "proj-pg01"
          ? [["/etc/dbkeeper/archive-writer.json", { sensitive: true, mode: "0400", owner: "dbkeeper" }]]
          : [],
      );
    }
  });

  it("have a configuration of the runtime that it reads, with the archive's own names", () => {
    const files = filesOf("proj-pg01");
    const config = configSchema.parse(JSON.parse(files["/etc/dbkeeper/config.json"]?.content ?? ""));
    expect(config.archive).toMatchObject({
      bucket: "radioastronomy-lab-dumps",
      prefix: "proj-pg01",
      region: "eu-central-1",
      endpoint: "https://store:9000",
      credentialsFile: "/etc/dbkeeper/archive-writer.json",
    });
    expect(files[config.archive?.caFile ?? ""]?.content).toBe("AUTHORITY");
    expect(config.retention.requireOffsite).toBe(true);
    const { rpoHours, rtoHours } = site.objectives.critical ?? {};
    expect(config.wal?.drill).toMatchObject({
      rpoSeconds: (rpoHours ?? 0) * 3600,
      rtoSeconds: (rtoHours ?? 0) * 3600,
    });
  });

  it("get programs only by address and digest", () => {
    expect(filesOf("proj-mon01")["/opt/lab/bin/prometheus"]?.source).toMatchObject({
      sha256: site.binaries.prometheus.sha256,
      url: site.binaries.prometheus.url,
    });
  });

  it("take dumps on the primary alone", () => {
    const timersOf = (host: string) =>
      unitsOf(host).filter((unit) => /^dbkeeper(?!-maintain|-observe).*\.timer$/.test(unit));
    expect(timersOf("proj-pg01")).toContain("dbkeeper.timer");
    expect(timersOf("proj-pg02")).toEqual([]);
  });

  it("maintain databases on every member, since any may be the next primary, and look at each", () => {
    for (const host of ["proj-pg01", "proj-pg02"]) {
      expect(unitsOf(host)).toContain("dbkeeper-observe.timer");
      const timers = unitsOf(host).filter((unit) => /^dbkeeper-maintain.*\.timer$/.test(unit));
      expect(timers).toHaveLength(3);
    }
  });

  it("make no backup while the disk for them is not mounted", () => {
    const guarded = Object.keys(filesOf("proj-pg01")).flatMap(
      (path) => /\/([^/]+)\.d\/backup-volume\.conf$/.exec(path)?.[1] ?? [],
    );
    expect(guarded.toSorted()).toEqual([
      "dbkeeper-archive.service",
      "dbkeeper-report-daily.service",
      "dbkeeper-report-monthly.service",
      "dbkeeper-report-weekly.service",
      "dbkeeper-validate.service",
      "dbkeeper-wal-backup.service",
      "dbkeeper-wal-check.service",
      "dbkeeper-wal-drill.service",
      "dbkeeper-wal-setup.service",
      "dbkeeper.service",
    ]);
  });
});
