import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { configuration as alertmanagerConfiguration } from "../infra/monitoring/alertmanager/configuration.ts";
import { templates } from "../infra/monitoring/alertmanager.ts";
import { inventoryOf } from "../infra/monitoring/inventory.ts";
import { configuration as prometheusConfiguration } from "../infra/monitoring/prometheus.ts";
import { ruleFiles } from "../infra/monitoring/rule-files.ts";
import { parseSite } from "../infra/site.ts";
import lab from "../stacks/lab.ts";
import rehearsal from "../stacks/rehearsal.ts";
import { machineExample } from "./machine.ts";
import { debianProgram, type FetchedProgram } from "./metrics/programs.ts";

/** What Debian 12 has: Prometheus 2.42 and Alertmanager 0.25. */
const [promtool, amtool] = await Promise.all([
  fetched("prometheus", "usr/bin/promtool"),
  fetched("prometheus-alertmanager", "usr/bin/amtool"),
]);

const sites = [
  { name: "lab", site: parseSite(lab()) },
  { name: "rehearsal", site: parseSite(rehearsal(machineExample)) },
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "older-tools-"));
});
afterAll(async () => {
  await Promise.all([
    rm(folder, { recursive: true, force: true }),
    promtool?.[Symbol.asyncDispose](),
    amtool?.[Symbol.asyncDispose](),
  ]);
});

describe.skipIf(!promtool).each(sites)("Debian's Prometheus takes of the stack $name", ({ name, site }) => {
  it("every rule", async () => {
    const rules = join(folder, `${name}-rules`);
    await mkdir(rules);
    const files = await ruleFiles(inventoryOf(site));
    const paths = await Promise.all(
      files.map(async (file) => {
        const path = join(rules, `${file.name}.yml`);
        await writeFile(path, file.content);
        return path;
      }),
    );
    // One rule for each expected thing: all but the expression is the same, which it would warn of.
    const { exitCode, all } = await check(promtool, ["check", "rules", "--lint=none", ...paths]);
    expect(exitCode, all).toBe(0);
    expect(all.match(/SUCCESS: \d+ rules found/g)).toHaveLength(files.length);
  });

  it("the configuration", async () => {
    const path = join(folder, `${name}-prometheus.yml`);
    await writeFile(path, stringify(prometheusConfiguration(site)));
    // The keys and passwords that it names are on the monitoring host only.
    const { exitCode, all } = await check(promtool, ["check", "config", "--syntax-only", path]);
    expect(exitCode, all).toBe(0);
  });
});

describe.skipIf(!amtool).each(sites)("Debian's Alertmanager takes of the stack $name", ({ name, site }) => {
  it("all but addresses in files, which came with 0.26", async () => {
    const template = join(folder, `${name}.tmpl`);
    await writeFile(template, templates());
    const path = join(folder, `${name}-alertmanager.yml`);
    const text = stringify({ ...alertmanagerConfiguration(site), templates: [template] });
    await writeFile(path, text.replaceAll(/url_file: .*/g, "url: https://example.org/"));
    const { exitCode, all } = await check(amtool, ["check-config", path]);
    expect(exitCode, all).toBe(0);
    expect(all).toContain("SUCCESS");
  });
});

async function fetched(name: string, program: string): Promise<FetchedProgram | undefined> {
  try {
    return await debianProgram(name, program);
  } catch (error) {
    console.warn(`skipped: apt does not serve ${name}: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

function check(program: FetchedProgram | undefined, args: readonly string[]) {
  return execa(program?.path ?? "", args, { all: true, reject: false });
}
