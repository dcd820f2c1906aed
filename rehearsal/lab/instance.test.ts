import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findInstance, loopbackSubnet, openInstance } from "./instance.ts";

describe("a checkout's instance", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "lab-instance-"));
  });
  afterEach(() => rm(root, { recursive: true, force: true }));

  it("does not exist before it is made", async () => {
    expect(await findInstance(root)).toBeUndefined();
  });

  it("keeps its kind of guests, its network and its secrets", async () => {
    const made = await openInstance(root, "records");
    expect(made).toMatchObject({ guests: "records", hostAddress: loopbackSubnet(made.id) });
    expect(await openInstance(root, "containers")).toEqual(made);
  });
});

describe("the loopback network of an instance", () => {
  it("is within 127.64.0.0/10, whatever the id", () => {
    expect(loopbackSubnet("00000000")).toBe("127.64.0.1");
    expect(loopbackSubnet("ffffffff")).toBe("127.127.255.1");
  });
});
