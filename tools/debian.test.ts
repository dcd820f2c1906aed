import { access, readFile, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { elevation, installable, installPackages } from "./debian.ts";
import { fakeMachine, fakeTool, installFakeApt } from "./fake-machine.ts";

test("no service starts while packages are installed, and afterwards they may again", async () => {
  const machine = await fakeMachine([]);
  const { policyFile } = machine.context;
  await installFakeApt(machine, {}, `"${policyFile}" postgresql start; echo "policy $?" >>"$JOURNAL"`);
  await installPackages(["postgresql"], machine.context);
  expect(await machine.journal()).toContain("policy 101");
  await expect(access(policyFile)).rejects.toThrow();
});

test("a policy that somebody else set stays", async () => {
  const machine = await fakeMachine([]);
  await installFakeApt(machine, {});
  await writeFile(machine.context.policyFile, "#!/bin/sh\nexit 104\n");
  await installPackages(["postgresql"], machine.context);
  expect(await readFile(machine.context.policyFile, "utf8")).toContain("exit 104");
});

test("the policy goes away when the installation fails, and apt's words are kept", async () => {
  const machine = await fakeMachine([]);
  await installFakeApt(machine, {}, 'echo "E: Unable to locate package alpha"; exit 100');
  await expect(installPackages(["alpha"], machine.context)).rejects.toMatchObject({
    message: expect.stringContaining("E: Unable to locate package alpha"),
    hint: expect.stringContaining("apt-get install"),
  });
  await expect(access(machine.context.policyFile)).rejects.toThrow();
});

test("a user without sudo can install nothing", async () => {
  const machine = await fakeMachine([]);
  await machine.install("sudo", "exit 1");
  await installFakeApt(machine, { alpha: "2.0" });
  machine.context.userId = 1000;
  expect(await elevation(machine.context)).toBeUndefined();
  expect(await installable([fakeTool("alpha", { debianPackage: "alpha" })], machine.context)).toEqual([]);
});

test("asking without a refresh leaves the package lists alone", async () => {
  const machine = await fakeMachine([]);
  await installFakeApt(machine, { alpha: "2.0" });
  const tool = fakeTool("alpha", { debianPackage: "alpha" });
  expect(await installable([tool], machine.context, { refresh: false })).toEqual([tool]);
  expect(await machine.journal()).toEqual([]);
  await installable([tool], machine.context);
  expect(await machine.journal()).toEqual(["apt-get update -q"]);
});
