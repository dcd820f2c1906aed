import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { explainRule } from "./rules/explain.ts";
import { exportRules } from "./rules/export.ts";
import { listRules } from "./rules/list.ts";

it("lists alerts for people and for scripts", async () => {
  expect(await listRules("lab", { json: false })).toMatch(/^PostgresDown +critical +availability /m);
  const listed = JSON.parse(await listRules("lab", { json: true })) as { name: string; line: number }[];
  expect(listed.find(({ name }) => name === "PostgresDown")).toMatchObject({
    severity: "critical",
    forSeconds: 60,
    file: "alert-rules/availability.ts",
    line: expect.any(Number),
    runbook: "runbooks/PostgresDown.md",
  });
});

it("explains an alert with its proofs, its route and its runbook", async () => {
  const text = await explainRule("lab", "postgresdown");
  expect(text).toContain('pg_up{job="postgres"} == 0');
  expect(text).toContain("silent at 1, fires at 0");
  expect(text).toMatch(/tells +dba-team \(email\)/);
  expect(text).toContain("runbooks/PostgresDown.md");
});

it("explains where a figure comes from, and how a site sets its own", async () => {
  const text = await explainRule("lab", "DatabaseBackupTooOld");
  expect(text).toMatch(/26 h: .+/);
  expect(text).toMatch(/a site sets its own with monitoring\.thresholds\.\w+/);
});

it("names alerts like one that does not exist", async () => {
  await expect(explainRule("lab", "PostgresDwn")).rejects.toMatchObject({
    message: "the stack lab has no alert PostgresDwn",
    hint: expect.stringContaining("PostgresDown"),
    exitCode: 2,
  });
});

it("names the stacks that there are", async () => {
  await expect(listRules("nope", { json: false })).rejects.toThrow("there is no stacks/nope.ts");
});

it("exports the same rules for Prometheus and for Kubernetes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lab-rules-"));
  try {
    await exportRules("lab", join(folder, "new"));
    const read = async (path: string) => parse(await readFile(join(folder, "new", path), "utf8"));
    expect((await readdir(join(folder, "new", "prometheus"))).length).toBeGreaterThan(3);
    expect((await read("kubernetes/availability.yaml")).spec).toEqual(
      await read("prometheus/availability.yml"),
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
