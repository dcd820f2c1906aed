import { expect, test } from "vitest";
import { callerOf } from "./auth.ts";

const caller = callerOf({
  id: "lab@pve!pulumi",
  acl: [
    { path: "/", privileges: ["Sys.Audit"], propagate: true },
    { path: "/vms", privileges: ["VM.Audit", "VM.Allocate"], propagate: true },
    { path: "/vms/100", privileges: ["VM.Audit"], propagate: true },
    { path: "/storage", privileges: ["Datastore.Audit"], propagate: false },
  ],
});

test("the entry nearest to a path decides and replaces what is above", () => {
  expect(caller.may("/vms/200", "VM.Allocate")).toBe(true);
  expect(caller.may("/vms/100", "VM.Allocate")).toBe(false);
  expect(caller.may("/vms/100", "VM.Audit")).toBe(true);
  expect(caller.may("/vms/200", "Sys.Audit")).toBe(false);
  expect(caller.may("/nodes/pve1", "Sys.Audit")).toBe(true);
});

test("an entry that does not propagate holds for its own path only", () => {
  expect(caller.may("/storage", "Datastore.Audit")).toBe(true);
  expect(caller.may("/storage/local", "Datastore.Audit")).toBe(false);
});

test("all are needed, or any; the message names what lacks", () => {
  expect(() => caller.require("/vms/100", ["VM.Audit", "VM.Allocate"])).toThrow(
    "Permission check failed (/vms/100, VM.Allocate)",
  );
  caller.require("/vms/100", ["VM.Audit", "VM.Allocate"], true);
  expect(() => caller.require("/nodes/pve1", ["VM.Audit", "VM.Allocate"], true)).toThrow(
    "Permission check failed (/nodes/pve1, VM.Audit|VM.Allocate)",
  );
});
