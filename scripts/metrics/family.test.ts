import { execa } from "execa";
import fc from "fast-check";
import { expect, test } from "vitest";
import { findTool } from "../../tools/find.ts";
import type { Manifest } from "../runs/manifest.ts";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import { backupFamilies } from "./backups.ts";
import { commandFamilies } from "./commands.ts";
import { parseFamilies, renderFamilies } from "./family.ts";

const odd = 'a"b\\c\nd';

const render = (manifests: Manifest[]) => renderFamilies(backupFamilies("pg01", manifests, 0));

/** Reads the text format strictly: HELP and TYPE before the samples of a family, each family once. */
function parse(text: string): Map<string, number> {
  expect(text.endsWith("\n")).toBe(true);
  const samples = new Map<string, number>();
  const families = new Set<string>();
  let current = "";
  for (const line of text.split("\n").slice(0, -1)) {
    const comment = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name = "", rest] = comment;
      if (kind === "HELP") {
        expect(families.has(name)).toBe(false);
        families.add(name);
        current = name;
      } else expect([name, rest]).toEqual([current, name.endsWith("_total") ? "counter" : "gauge"]);
      continue;
    }
    const sample = /^([a-z_]+)\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\} (\d+(?:\.\d+)?)$/.exec(line);
    expect(sample, line).not.toBeNull();
    const [, name, labels, value] = sample ?? [];
    expect(name).toBe(current);
    samples.set(`${name}{${labels}}`, Number(value));
  }
  return samples;
}

test("the text can be parsed, also with names that need escaping", () => {
  const samples = parse(render([manifestFor({ databases: [entryFor(odd)] })]));
  expect([...samples.keys()]).toContain('dbkeeper_dump_size_bytes{cluster="pg01",database="a\\"b\\\\c\\nd"}');
});

test("what never happened has no sample", () => {
  const text = render([manifestFor({ databases: [entryFor("desi")] })]);
  expect(text).not.toContain("last_validated");
  expect(text).not.toContain("offsite");
  expect(render([])).not.toContain("last_success");
});

test("a failed run and a refused validation leave the last good values", () => {
  const good = manifestFor({
    databases: [entryFor("desi")],
    finishedAt: "2026-06-01T02:00:00.000Z",
    validation: validationFor("restore", "passed", ["desi"]),
  });
  const refused = manifestFor({
    databases: [entryFor("desi")],
    finishedAt: "2026-06-02T02:00:00.000Z",
    validation: validationFor("restore", "failed", ["desi"]),
  });
  const failed = manifestFor({
    finishedAt: "2026-06-03T02:00:00.000Z",
    failed: [{ name: "desi", reason: "gone" }],
  });
  const samples = parse(render([good, refused, failed]));
  const labels = '{cluster="pg01",database="desi"}';
  expect(samples.get(`dbkeeper_last_validated_timestamp_seconds${labels}`)).toBe(
    Date.parse(good.finishedAt) / 1000,
  );
  expect(samples.get(`dbkeeper_last_success_timestamp_seconds${labels}`)).toBe(
    Date.parse(refused.finishedAt) / 1000,
  );
});

test("a validation that did not restore proves nothing", () => {
  const manifest = manifestFor({
    databases: [entryFor("desi")],
    validation: validationFor("decode", "passed", ["desi"]),
  });
  expect(render([manifest])).not.toContain("last_validated");
});

test("a database that was dropped is no longer reported", () => {
  const before = manifestFor({ databases: [entryFor("dropped"), entryFor("desi")] });
  const after = manifestFor({ databases: [entryFor("desi")] });
  expect(render([before, after])).not.toContain("dropped");
});

const ended = { command: "run", exitCode: 0, durationSeconds: 1.5, timestampSeconds: 1_750_000_000 };

test("results of other commands stay, those of other clusters do not, and runs are counted", () => {
  const first = commandFamilies("pg01", [], ended);
  const failed = commandFamilies("pg01", first, { ...ended, command: "dump", exitCode: 5 });
  const again = parse(renderFamilies(commandFamilies("pg01", failed, ended)));
  expect(again.get('dbkeeper_runs_total{cluster="pg01",command="run",outcome="ok"}')).toBe(2);
  expect(again.get('dbkeeper_runs_total{cluster="pg01",command="dump",outcome="failed"}')).toBe(1);
  expect(again.get('dbkeeper_last_run_success{cluster="pg01",command="dump"}')).toBe(0);
  expect(again.get('dbkeeper_last_run_exit_code{cluster="pg01",command="dump"}')).toBe(5);
  expect(again.get('dbkeeper_last_run_timestamp_seconds{cluster="pg01",command="run"}')).toBe(1_750_000_000);
  expect(renderFamilies(commandFamilies("pg02", failed, ended))).not.toContain("pg01");
});

test("what was written is read back as it was, whatever the names", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ label: fc.string(), value: fc.nat() }), { minLength: 1, maxLength: 5 }),
      (values) => {
        const samples = values.map(({ label, value }) => ({
          labels: { cluster: "pg01", database: label },
          value,
        }));
        const families = [{ name: "some_bytes", help: "Some.", type: "gauge" as const, samples }];
        expect(parseFamilies(renderFamilies(families))).toEqual(families);
      },
    ),
  );
});

test("the off-site copy lags by what was dumped since", () => {
  const databases = [entryFor("desi")];
  const sent = { url: "s3://bucket/x/", finishedAt: "2026-06-02T00:00:00.000Z" };
  const samples = parse(
    render([
      manifestFor({ databases, finishedAt: "2026-06-01T02:00:00.000Z", offsite: sent }),
      manifestFor({ databases, finishedAt: "2026-06-02T02:00:00.000Z" }),
    ]),
  );
  expect(samples.get('dbkeeper_offsite_lag_seconds{cluster="pg01",database="desi"}')).toBe(86_400);
});

test("promtool finds nothing to say about names, units and types", async () => {
  const tool = await findTool("promtool");
  if (tool === undefined) throw new Error("promtool is not there: `./lab test` installs it");
  const entry = { ...entryFor(odd), databaseBytes: 1 };
  const validation = validationFor("restore", "passed", [odd]);
  const offsite = { url: "s3://bucket/x/", finishedAt: "2026-06-02T00:00:00.000Z" };
  const input = render([manifestFor({ databases: [entry], validation, offsite })]);
  const { exitCode, all } = await execa(tool.path, ["check", "metrics"], {
    input: input + renderFamilies(commandFamilies("pg01", [], ended)),
    all: true,
    reject: false,
  });
  expect({ exitCode, all }).toEqual({ exitCode: 0, all: "" });
});
