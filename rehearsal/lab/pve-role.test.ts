import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { pvePrivileges } from "./pve-role.ts";

it("is the role that the README tells an owner to make", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const privileges = /pveum role add LabPulumi --privs "([^"]+)"/.exec(readme)?.[1];
  expect(privileges?.split(" ")).toEqual(pvePrivileges);
});
