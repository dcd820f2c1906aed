import { expect, test } from "vitest";
import type { Check } from "./checks.ts";
import { checkMemory, judgeDisk } from "./checks-host.ts";
import { checkTool } from "./checks-tools.ts";
import { conclude } from "./examine.ts";

const ok: Check = { name: "Linux", state: "ok", detail: "x64" };
const obtainable: Check = { name: "pulumi", state: "obtainable", detail: "is built" };

test("a machine is ready when the rest can be had by up, and up is what comes next", () => {
  expect(conclude([ok, obtainable])).toMatchObject({ ready: true, remedy: "./lab up" });
  expect(conclude([ok])).toMatchObject({ ready: true, remedy: undefined });
});

test("missing packages are mended by one command", () => {
  const missing = (name: string, debianPackage: string): Check => ({
    name,
    state: "missing",
    detail: "",
    debianPackage,
  });
  const { ready, remedy } = conclude([missing("ip", "iproute2"), missing("nft", "nftables"), obtainable]);
  expect(ready).toBe(false);
  expect(remedy).toBe(
    "sudo apt-get update && sudo apt-get install -y --no-install-recommends iproute2 nftables",
  );
});

test("a missing thing that is no package names its own way out", () => {
  const { remedy } = conclude([{ name: "root", state: "missing", detail: "", remedy: "run it as root" }]);
  expect(remedy).toBe("run it as root");
});

test("too little space or memory is missing and says how much is needed", () => {
  expect(judgeDisk("disk", "/cache", 5e9)).toMatchObject({
    state: "missing",
    remedy: expect.stringContaining("1.0 GB more"),
  });
  expect(judgeDisk("disk", "/cache", 6e9).state).toBe("ok");
  expect(checkMemory(2e9).state).toBe("missing");
  expect(checkMemory(4e9).state).toBe("ok");
});

test("a tool is ok when found, obtainable when there is a way, else missing with its package", () => {
  const plan = { name: "nft", why: "Closes the network.", rejected: [], debianPackage: "nftables" };
  const found = { path: "/usr/sbin/nft", version: "1.0.6", source: "path" } as const;
  expect(checkTool({ ...plan, found })).toMatchObject({ state: "ok", detail: "1.0.6 at /usr/sbin/nft" });
  expect(checkTool({ ...plan, way: "debian" }).state).toBe("obtainable");
  expect(checkTool(plan)).toMatchObject({ state: "missing", debianPackage: "nftables" });
});
