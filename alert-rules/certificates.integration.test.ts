import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { findTool } from "../tools/find.ts";
import { certificates } from "./certificates.ts";
import { labOf } from "./lab.ts";
import { renderRuleFile } from "./render.ts";
import { testInventory } from "./testing/inventory.ts";

const promtool = (await findTool("promtool"))?.path;
if (!promtool) console.warn("skipped: promtool is missing; ./lab doctor says how to get it");

const group = certificates(labOf({ ...testInventory, hosts: ["proj-pg01"] }));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-certificate-rules-"));
  await writeFile(join(folder, "rules.yml"), renderRuleFile(group, testInventory));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const labels = 'job="node",instance="proj-pg01"';
const day = 86_400;

/** What promtool says where other alerts, given as `name severity`, fire after two hours; empty where just these do. */
async function complaint(
  series: Readonly<Record<string, string>>,
  alerts: readonly string[],
): Promise<string> {
  const test = {
    rule_files: ["rules.yml"],
    evaluation_interval: "1m",
    tests: [
      {
        interval: "1m",
        input_series: Object.entries(series).map(([key, values]) => ({ series: key, values })),
        promql_expr_test: [
          {
            expr: 'count by (alertname, severity) (ALERTS{alertstate="firing"})',
            eval_time: "2h",
            exp_samples: alerts.map((alert) => {
              const [alertname, severity] = alert.split(" ");
              return { labels: `{alertname="${alertname}",severity="${severity}"}`, value: 1 };
            }),
          },
        ],
      },
    ],
  };
  await writeFile(join(folder, "test.yml"), stringify(test));
  const { exitCode, all } = await execa(promtool ?? "", ["test", "rules", join(folder, "test.yml")], {
    all: true,
    reject: false,
  });
  return exitCode === 0 ? "" : all;
}

/** A healthy host's series; time begins at zero in these tests. */
const healthy = (days: number) => ({
  [`lab_certificate_not_after_timestamp_seconds{${labels},service="x"}`]: `${days * day}x120`,
  [`lab_authority_not_after_timestamp_seconds{${labels},authority="a"}`]: `${3000 * day}x120`,
  [`lab_certificate_is_served{${labels},service="x"}`]: "1x120",
  [`lab_certificates_checked_timestamp_seconds{${labels}}`]: "0x120",
});

describe.skipIf(!promtool)("certificate alerts", () => {
  it.each([
    ["in time", healthy(31), []],
    ["due for three days", healthy(27), ["CertificateRenewalMissed warning"]],
    ["three weeks left", healthy(21), ["CertificateRenewalMissed warning", "CertificateExpiresSoon warning"]],
    [
      "one week left",
      healthy(7),
      [
        "CertificateRenewalMissed warning",
        "CertificateExpiresSoon warning",
        "CertificateExpiresSoon critical",
      ],
    ],
    [
      "an authority with three months left",
      {
        ...healthy(60),
        [`lab_authority_not_after_timestamp_seconds{${labels},authority="a"}`]: `${90 * day}x120`,
      },
      ["AuthorityExpiresSoon warning", "AuthorityExpiresSoon critical"],
    ],
    [
      "a service with an old certificate",
      { ...healthy(60), [`lab_certificate_is_served{${labels},service="x"}`]: "0x120" },
      ["CertificateNotServed warning"],
    ],
    [
      "a host that does not look any more",
      { ...healthy(60), [`lab_certificates_checked_timestamp_seconds{${labels}}`]: "-20000x120" },
      ["CertificatesUnwatched warning"],
    ],
    ["a host that never told", {}, ["CertificatesUnknown warning"]],
  ] as const)("%s", async (_, series, alerts) => {
    expect(await complaint(series, alerts)).toBe("");
  });
});
