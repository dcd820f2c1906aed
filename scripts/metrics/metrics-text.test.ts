import { expect, test } from "vitest";
import type { Manifest } from "../runs/manifest.ts";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import { parseResults, renderMetrics } from "./metrics-text.ts";

const odd = 'a"b\\c\nd';

const render = (manifests: Manifest[] | undefined) =>
  renderMetrics({
    cluster: "pg01",
    manifests,
    results: [{ command: "run", success: true, timestampSeconds: 1_750_000_000 }],
    freeBytes: 1024,
  });

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
      } else expect([name, rest]).toEqual([current, "gauge"]);
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

test("results of other commands are read back, those of other clusters are not", () => {
  const text = render([]);
  expect(parseResults(text, "pg01")).toEqual([
    { command: "run", success: true, timestampSeconds: 1_750_000_000 },
  ]);
  expect(parseResults(text, "pg02")).toEqual([]);
});
