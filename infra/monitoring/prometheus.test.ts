import { expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
import { inventoryOf } from "./inventory.ts";
import { configuration } from "./prometheus.ts";

it("gives each job a name of its own, and databases of one engine one job label", () => {
  const input = lab();
  const site = parseSite({
    ...input,
    databases: {
      ...input.databases,
      others: [
        { guest: "proj-my01", engine: "mysql", port: 9104 },
        { guest: "proj-rdb01", engine: "mysql", port: 9104 },
      ],
    },
  });
  const { scrape_configs: jobs } = configuration(site) as {
    scrape_configs: { job_name: string; static_configs: { labels: Record<string, string> }[] }[];
  };
  const names = jobs.map(({ job_name }) => job_name);
  expect(new Set(names).size).toBe(names.length);
  const mysql = jobs.filter(({ job_name }) => job_name.startsWith("mysql"));
  expect(mysql.map(({ static_configs }) => static_configs[0]?.labels)).toEqual([
    { instance: "proj-my01", job: "mysql" },
    { instance: "proj-rdb01", job: "mysql" },
  ]);
});

it("asks the backup server's host, where the site has it watched, and expects it to answer", () => {
  const input = lab();
  const hostChecks = { hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" };
  const site = parseSite({ ...input, pbs: { ...input.pbs, hostChecks } });
  const { scrape_configs: jobs } = configuration(site) as {
    scrape_configs: { job_name: string; static_configs: object[] }[];
  };
  expect(jobs.find(({ job_name }) => job_name === "node")?.static_configs).toContainEqual({
    targets: ["10.16.207.218:9100"],
    labels: { instance: "pbs01" },
  });
  expect(inventoryOf(site)).toMatchObject({ backupHost: "pbs01", hosts: expect.arrayContaining(["pbs01"]) });
  expect(inventoryOf(parseSite(input))).not.toHaveProperty("backupHost");
});
