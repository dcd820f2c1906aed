import { describe, expect, it } from "vitest";
import { delivery } from "./delivery.ts";
import { differences } from "./differences.ts";
import { deliveryInputs } from "./testing/inputs.ts";

const machine = {
  cpu: { cores: 2, type: "x86-64-v2-AES" },
  memory: { dedicated: 2048 },
  networkDevices: [{ bridge: "vmbr0", model: "virtio" }],
};
const larger = {
  ...machine,
  cpu: { ...machine.cpu, cores: 4 },
  networkDevices: [{ bridge: "vmbr0", model: "virtio", vlanId: 20 }],
};

it("names each leaf that differs", () => {
  expect(differences("", machine, larger)).toEqual([
    "cpu.cores 2 → 4",
    "networkDevices.0.vlanId (none) → 20",
  ]);
  expect(differences("", machine, structuredClone(machine))).toEqual([]);
});

describe("a preview of a delivery", () => {
  const call = {
    client: null as never,
    urn: "urn:pulumi:lab::astronomy-lab::hosts:index:Delivery::proj-pg01",
    signal: new AbortController().signal,
    timeoutSeconds: undefined,
  };
  const notes = (before: object, after: object) =>
    delivery.notesOnPreview?.(call, { inputs: { ...before }, outputs: {} }, { ...after });

  it("says which guest restarts for which change", async () => {
    expect(await notes(deliveryInputs({ machine }), deliveryInputs({ machine: larger }))).toEqual([
      {
        severity: "warning",
        message:
          "proj-pg01 restarts for this, and the delivery then sees that everything runs again: " +
          "cpu.cores 2 → 4, networkDevices.0.vlanId (none) → 20",
      },
    ]);
  });

  it("says nothing where the machine stays, or where an older program recorded none", async () => {
    expect(await notes(deliveryInputs({ machine }), deliveryInputs({ machine }))).toEqual([]);
    const { machine: _, ...older } = deliveryInputs();
    expect(await notes(older, deliveryInputs({ machine }))).toEqual([]);
  });
});
