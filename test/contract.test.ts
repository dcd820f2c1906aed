import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readApiDescription } from "../rehearsal/lib/api-description.ts";
import { recordedCalls } from "./rehearsal/calls.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lab-calls-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const resize = {
  method: "PUT",
  path: "/nodes/{node}/qemu/{vmid}/resize",
  parameters: { node: "pve1", vmid: "100", disk: "scsi0", size: "10G" },
  status: 200,
  data: "UPID:pve1:",
};
const prune = {
  method: "GET",
  path: "/config/prune/{id}",
  parameters: { id: "daily" },
  status: 200,
  data: { id: "daily", store: "daily", schedule: "daily" },
};
const descriptions = { pve: readApiDescription("pve"), pbs: readApiDescription("pbs") };

describe.each([
  ["pve", resize, { parameters: { ...resize.parameters, colour: "red" } }, "colour is unknown"],
  [
    "pve",
    resize,
    { parameters: { ...resize.parameters, disk: "floppy0" } },
    /^disk is "floppy0" instead of /,
  ],
  [
    "pve",
    resize,
    { parameters: { ...resize.parameters, size: "much" } },
    /^size is "much", which does not match/,
  ],
  ["pve", resize, { parameters: { ...resize.parameters, vmid: "one" } }, 'vmid is "one" instead of integer'],
  ["pve", resize, { status: 400, parameters: { node: "pve1", vmid: 100, size: "1G" } }, "disk is missing"],
  ["pve", resize, { data: {} }, "data is {} instead of string"],
  ["pbs", prune, { parameters: { id: "d" } }, "id is too short"],
  ["pbs", prune, { data: { ...prune.data, schedule: undefined } }, "data.schedule is missing"],
  ["pbs", prune, { data: { ...prune.data, "keep-last": "1" } }, 'data.keep-last is "1" instead of integer'],
  ["pbs", prune, { data: { ...prune.data, colour: "red" } }, "data.colour is unknown"],
] as const)("a call of %s in a lab's record", (product, right, change, problem) => {
  const record = (...exchanges: object[]) =>
    writeFile(
      join(folder, `${product}.jsonl`),
      exchanges.map((each) => `${JSON.stringify(each)}\n`).join(""),
    );

  it.skipIf(descriptions[product] === undefined)(`is found: ${String(problem)}`, async () => {
    await record(right);
    expect(await recordedCalls(folder, product)).toMatchObject({ count: 1, problems: [] });
    await record(right, { ...right, ...change });
    const { problems = [] } = await recordedCalls(folder, product);
    const prefix = `${right.method} ${right.path}: `;
    expect(problems.map((each) => each.replace(prefix, ""))).toEqual([
      typeof problem === "string" ? problem : expect.stringMatching(problem),
    ]);
  });
});

it.skipIf(descriptions.pve === undefined)("a path that the product has not is found", async () => {
  await writeFile(join(folder, "pve.jsonl"), `${JSON.stringify({ ...resize, path: "/nowhere" })}\n`);
  const { problems } = await recordedCalls(folder, "pve");
  expect(problems).toEqual(["PUT /nowhere is not described"]);
});
