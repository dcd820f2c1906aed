import { expect, test } from "vitest";
import { Locks } from "./locks.ts";

function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test("work on one machine is done one after the other, on two at the same time", async () => {
  const locks = new Locks();
  const first = gate();
  const order: string[] = [];
  const one = locks.with(100, async () => {
    await first.opened;
    order.push("first");
  });
  const two = locks.with(100, async () => {
    order.push("second");
  });
  await locks.with(101, async () => {
    order.push("other");
  });
  first.open();
  await Promise.all([one, two]);
  expect(order).toEqual(["other", "first", "second"]);
});

test("who waits too long gets the product's message, and those behind still get their turn", async () => {
  const locks = new Locks();
  const held = gate();
  const one = locks.with(100, () => held.opened);
  await expect(locks.with(100, async () => {}, 0.01)).rejects.toThrow(
    "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout",
  );
  let wasRun = false;
  const three = locks.with(100, async () => {
    wasRun = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(wasRun).toBe(false);
  held.open();
  await Promise.all([one, three]);
  expect(wasRun).toBe(true);
});

test("work that fails gives the lock back", async () => {
  const locks = new Locks();
  const fail = async () => {
    throw new Error("no");
  };
  await expect(locks.with(100, fail)).rejects.toThrow("no");
  expect(await locks.with(100, async () => "turn")).toBe("turn");
});

test("a storage serves as many at once as its node can; another node's has its own lock", async () => {
  const locks = new Locks(0.01);
  const held = gate();
  const long = () => locks.storage("pve1", "local-lvm", 2, () => held.opened);
  const working = [long(), long()];
  await expect(long()).rejects.toThrow(
    "can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout",
  );
  expect(await locks.storage("pve2", "local-lvm", 1, async () => "turn")).toBe("turn");
  held.open();
  await Promise.all(working);
  expect(await locks.storage("pve1", "local-lvm", 1, async () => "turn")).toBe("turn");
});
