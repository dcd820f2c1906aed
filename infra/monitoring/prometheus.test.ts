import { expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";
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
