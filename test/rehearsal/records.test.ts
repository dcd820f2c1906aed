import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findInstance } from "../../rehearsal/lab/instance.ts";
import { isAlive, readProcessRecord } from "../../rehearsal/lib/process.ts";
import { recordedCalls } from "./calls.ts";
import { type Checkout, copyCheckout } from "./checkout.ts";

let lab: Checkout;
const guestFolder = (vmid: number) => join(lab.root, ".lab/rehearsal/pve/guests", String(vmid));

describe("the lab with recorded guests", () => {
  beforeAll(async () => {
    lab = await copyCheckout();
    await lab.mustLab("up", "--guests", "none");
  });

  afterAll(async () => {
    await lab?.remove();
  });

  it("makes everything, and says of each guest what that does not prove", async () => {
    const { services, protections, resources } = await lab.status();
    expect(resources).toBeGreaterThan(50);
    const guests = services.filter(({ name }) => name.startsWith("proj-"));
    expect(guests).toHaveLength(3);
    for (const { state, notProven } of guests) {
      expect(state).toBe("recorded");
      expect(notProven).toContain("services");
    }
    expect(protections).not.toEqual([]);
    expect(protections.filter(({ notProven }) => notProven === null)).toEqual([]);
    expect(protections.filter(({ validated }) => validated !== null)).toEqual([]);
  });

  it("delivers into each guest's folder and records what would have been activated", async () => {
    const rules = await readFile(join(guestFolder(2010), "root/etc/prometheus/prometheus.yml"), "utf8");
    expect(rules).toContain("scrape_configs");
    const activations = await readFile(join(guestFolder(2002), "activations"), "utf8");
    expect(activations).toMatch(/^start postgresql@15-main\.service$/m);
  });

  it("has nothing to change right after", async () => {
    const { exitCode } = await lab.lab(
      "pulumi",
      "--",
      ...["preview", "--expect-no-changes", "--refresh", "--non-interactive", "--color", "never"],
    );
    expect(exitCode).toBe(0);
  });

  it("names the guest that a change restarts, in the preview", async () => {
    const stack = join(lab.root, "stacks", "rehearsal.ts");
    const before = await readFile(stack, "utf8");
    await writeFile(stack, before.replace("cores: 1, memoryMib: 1024", "cores: 2, memoryMib: 1024"));
    const { stdout } = await lab.lab("pulumi", "--", "preview", "--non-interactive", "--color", "never");
    await writeFile(stack, before);
    expect(stdout).toContain(
      "proj-pg01 restarts for this, and the delivery then sees that everything runs again: cpu.cores 1 → 2",
    );
  });

  it.each([
    ["pve", ["POST /nodes/{node}/qemu", "GET /nodes/{node}/qemu/{vmid}/config"]],
    ["pbs", ["POST /config/datastore", "GET /config/prune/{id}", "PUT /access/acl"]],
  ] as const)("called %s as its API is described, and was answered so", async (product, calls) => {
    const { called, problems = [] } = await recordedCalls(lab.calls, product);
    expect(called).toEqual(expect.arrayContaining([...calls]));
    expect(problems).toEqual([]);
  });

  it("has no secret in the record of its calls", async () => {
    const instance = await findInstance(lab.root);
    const secrets = Object.values(instance?.secrets ?? {});
    expect(secrets).not.toEqual([]);
    const records = await Promise.all(
      ["pve", "pbs"].map((product) => readFile(join(lab.calls, `${product}.jsonl`), "utf8")),
    );
    expect(secrets.filter((secret) => records.join().includes(secret))).toEqual([]);
  });

  it("keeps its kind of guests", async () => {
    const { exitCode, stderr } = await lab.lab("up", "--guests", "containers");
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      "error: the lab of this checkout has records for guests and cannot change that\n" +
        "hint: `./lab down --purge` forgets it; then `./lab up` again",
    );
  });

  it("leaves no guest behind when it is taken down", async () => {
    const record = await readProcessRecord(join(guestFolder(2002), "process.json"));
    if (!record) throw new Error("the guest has no process");
    await lab.mustLab("down");
    expect(await isAlive(record)).toBe(false);
  });
});
