import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { areas } from "../../../alert-rules/rule.ts";
import lab from "../../../stacks/lab.ts";
import rehearsal from "../../../stacks/rehearsal.ts";
import { machineExample } from "../../../test/machine.ts";
import { findTool } from "../../../tools/find.ts";
import { parseSite } from "../../site.ts";
import { configuration } from "./configuration.ts";

const amtool = await findTool("amtool");
if (!amtool) console.warn("skipped: amtool is needed; `./lab test` installs it");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "routes-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The Slack channel of the lab for each area, as M6 wants it by category. */
const slack: Readonly<Record<(typeof areas)[number], string>> = {
  availability: "slack-infrastructure",
  backup: "slack-backups",
  capacity: "slack-infrastructure",
  integrity: "slack-databases",
  monitoring: "slack-infrastructure",
  performance: "slack-databases",
  replication: "slack-databases",
  resources: "slack-infrastructure",
  security: "slack-security",
};

/** Everybody who is paged, the second level after a while. */
const paged = ["administrators", "on-call", "second-on-call"];

type Row = readonly [labels: Readonly<Record<string, string>>, receivers: readonly string[]];

/** Who gets an alert, in the order of the site's channels. */
const table: readonly Row[] = [
  ...areas.flatMap((area): Row[] => [
    [{ severity: "critical", area }, ["dba-team", ...paged, slack[area]]],
    [{ severity: "warning", area }, ["dba-team", slack[area]]],
    [{ severity: "info", area }, ["nobody"]],
    [{ severity: "none", area }, ["nobody"]],
  ]),
  [{ alertname: "Watchdog", severity: "none", area: "monitoring" }, ["heartbeat"]],
  [{ alertname: "Watchdog", severity: "critical" }, ["dba-team", ...paged]],
  // What nobody thought of still reaches somebody.
  [{ severity: "critical", area: "weather" }, ["dba-team", ...paged]],
  [{ severity: "emergency", area: "backup" }, ["unrouted"]],
  [{ alertname: "ByHand" }, ["unrouted"]],
];

const sites = [
  { name: "lab", site: parseSite(lab()), also: [] as string[] },
  // Its own channel besides, for everything that reaches anybody.
  { name: "rehearsal", site: parseSite(rehearsal(machineExample)), also: ["chat"] },
];

describe.skipIf(!amtool).each(sites)("the routes of the stack $name", ({ name, site, also }) => {
  it("lead every severity of every area where the table says", async () => {
    const file = join(folder, `${name}.yml`);
    await writeFile(file, stringify(configuration(site)));
    const routed: Row[] = [];
    // Two at a time: the machine has two cores.
    for (let index = 0; index < table.length; index += 2) {
      routed.push(...(await Promise.all(table.slice(index, index + 2).map((row) => route(file, row)))));
    }
    const expected = table.map(([labels, receivers]): Row => {
      const more = receivers.includes("dba-team") ? also : [];
      return [labels, [...receivers, ...more]];
    });
    expect(routed).toEqual(expected);
  });
});

/** What amtool says of it, with the labels that it was asked for. */
async function route(file: string, [labels]: Row): Promise<Row> {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${value}`);
  const { stdout } = await execa(amtool?.path ?? "", [
    "config",
    "routes",
    "test",
    `--config.file=${file}`,
    ...pairs,
  ]);
  return [labels, stdout.trim().split(",")];
}
