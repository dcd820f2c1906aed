import { expect, it } from "vitest";
import { settlePending } from "./pending.ts";

const urn = (type: string, name: string) => `urn:pulumi:rehearsal::astronomy-lab::${type}::${name}`;
const creating = (type: string, name: string, inputs: Record<string, unknown>) => ({
  type: "creating",
  resource: { urn: urn(type, name), type, custom: true, inputs },
});

it("records an open creation under the id that the product gives it", () => {
  const { deployment } = settlePending({
    resources: [],
    pending_operations: [
      creating("proxmoxve:index/vmLegacy:VmLegacy", "proj-pg01", { vmId: 2002 }),
      creating("pbs:index:Namespace", "critical", { store: "lab-backups", ns: "critical" }),
    ],
  });
  expect(deployment.resources?.map(({ id }) => id)).toEqual(["2002", "lab-backups/critical"]);
  expect(deployment.pending_operations).toEqual([]);
});

it("forgets what can be made again without a conflict", () => {
  const pending = [creating("hosts:index:SshKey", "deploy", {})];
  expect(settlePending({ resources: [], pending_operations: pending }).deployment.resources).toEqual([]);
});

it("asks to replace what showed its secret to nobody", () => {
  const token = creating("pbs:index:ApiToken", "nodes", { userid: "a@pbs", tokenName: "nodes" });
  expect(settlePending({ pending_operations: [token] }).replace).toEqual([token.resource.urn]);
});

it("leaves alone what is recorded already, and updates and deletions", () => {
  const type = "pbs:index:User";
  const resource = { urn: urn(type, "nodes"), type, id: "a@pbs" };
  const deployment = {
    resources: [resource],
    pending_operations: [
      { type: "creating", resource: { ...resource, inputs: { userid: "a@pbs" } } },
      { type: "updating", resource },
    ],
  };
  expect(settlePending(deployment).deployment.resources).toEqual([resource]);
});
