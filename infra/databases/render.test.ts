import { describe, expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
import { clientAuthentication } from "./render.ts";

const input = lab();
const linesFor = (clientsFrom: string[]) => {
  const site = parseSite({
    ...input,
    databases: {
      ...input.databases,
      postgres: input.databases.postgres.map((cluster) => ({ ...cluster, clientsFrom })),
    },
  });
  const [cluster] = site.databases.postgres;
  const guest = (name: string | undefined) => site.guests.find((candidate) => candidate.name === name);
  const primary = guest(cluster?.primary);
  if (!cluster || !primary) throw new Error("the lab has no cluster");
  const standbys = cluster.standbys.flatMap((name) => guest(name) ?? []);
  return clientAuthentication({ cluster, primary, standbys }).trimEnd().split("\n");
};

describe("who may connect to PostgreSQL", () => {
  it("is nobody from elsewhere unless the site says so", () => {
    expect(linesFor([]).filter((line) => !/^(local|hostssl\treplication)\t/.test(line))).toEqual([]);
  });

  it("is clients where the site has them: the cluster's databases, by password, over TLS, in no role of the lab", () => {
    const databases = "desi_void_desivast,desi_void_fastspecfit,template_desi";
    const roles = "postgres,iperius_backup_pg01,clusteradmin_pg01,monitoring_pg01,replication_pg01";
    expect(linesFor(["10.16.202.0/24", "10.16.207.99"]).slice(-4)).toEqual([
      `hostssl\t${databases}\t${roles}\t10.16.202.0/24\treject`,
      `hostssl\t${databases}\tall\t10.16.202.0/24\tscram-sha-256`,
      `hostssl\t${databases}\t${roles}\t10.16.207.99/32\treject`,
      `hostssl\t${databases}\tall\t10.16.207.99/32\tscram-sha-256`,
    ]);
  });
});
