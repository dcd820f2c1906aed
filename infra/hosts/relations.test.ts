import { describe, expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
import { inboundRelations } from "./relations.ts";

type Input = ReturnType<typeof lab>;

const relationsOf = (guest: string, edit: (site: Input) => Input = (site) => site) =>
  (inboundRelations(parseSite(edit(structuredClone(lab())))).get(guest) ?? []).map(
    ({ from, port }) => `${port} from ${from.join(", ")}`,
  );

describe("who may connect to a guest", () => {
  it("a database host: SSH, the monitoring host, the cluster's other members", () => {
    const common = ["22 from 10.16.207.0/24", "9100 from 10.16.207.60", "9187 from 10.16.207.60"];
    expect(relationsOf("proj-pg01")).toEqual([...common, "5432 from 10.16.207.53"]);
    expect(relationsOf("proj-pg02")).toEqual([...common, "5432 from 10.16.207.52"]);
  });

  it("the monitoring host: its web interfaces from where SSH comes", () => {
    expect(relationsOf("proj-mon01")).toEqual([
      "22 from 10.16.207.0/24",
      "9100 from 10.16.207.60",
      "9090 from 10.16.207.0/24",
      "9093 from 10.16.207.0/24",
    ]);
  });

  it("an exporter VM: SSH and the monitoring host", () => {
    expect(relationsOf("proj-exp01")).toEqual(["22 from 10.16.207.0/24", "9100 from 10.16.207.60"]);
  });

  it("only guests that are delivered to", () => {
    expect(relationsOf("proj-win01")).toEqual([]);
    expect(relationsOf("proj-mongo01")).toEqual([]);
  });

  it("where the site says from where, from there only", () => {
    const narrowed = (site: Input): Input => ({
      ...site,
      access: { sshFrom: ["10.16.200.7"] },
      monitoring: { ...site.monitoring, webFrom: ["10.16.201.0/24"] },
      databases: {
        postgres: site.databases.postgres.map((cluster) => ({ ...cluster, clientsFrom: ["10.16.202.0/24"] })),
      },
    });
    expect(relationsOf("proj-pg01", narrowed)).toEqual([
      "22 from 10.16.200.7",
      "9100 from 10.16.207.60",
      "9187 from 10.16.207.60",
      "5432 from 10.16.207.53",
      "5432 from 10.16.202.0/24",
    ]);
    expect(relationsOf("proj-mon01", narrowed).slice(2)).toEqual([
      "9090 from 10.16.201.0/24",
      "9093 from 10.16.201.0/24",
    ]);
  });

  it("the exporter of another engine on a host that the program makes", () => {
    const others = [{ guest: "proj-exp01", engine: "mysql", port: 9104 } as const];
    expect(
      relationsOf("proj-exp01", (site) => ({ ...site, databases: { ...site.databases, others } })),
    ).toContain("9104 from 10.16.207.60");
  });
});
