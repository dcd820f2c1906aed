import { expect, it } from "vitest";
import { restartReasons } from "./restarts.ts";

const guest = {
  started: true,
  name: "pg01",
  cpu: { cores: 2, type: "x86-64-v2-AES" },
  memory: { dedicated: 2048 },
  networkDevices: [{ bridge: "vmbr0", model: "virtio" }],
};

it("names what a running guest restarts for", () => {
  const after = {
    ...guest,
    cpu: { ...guest.cpu, cores: 4 },
    networkDevices: [{ bridge: "vmbr0", model: "virtio", vlanId: 20 }],
  };
  expect(restartReasons(guest, after)).toEqual(["cpu.cores 2 → 4", "networkDevices.0.vlanId (none) → 20"]);
});

it("says nothing of what is taken over at once, or of a guest that does not run", () => {
  expect(restartReasons(guest, { ...guest, name: "pg02", tags: ["a"], protection: true })).toEqual([]);
  expect(restartReasons({ ...guest, started: false }, { ...guest, memory: { dedicated: 4096 } })).toEqual([]);
});
