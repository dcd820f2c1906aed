import { describe, expect, it } from "vitest";
import { roles } from "../../rehearsal/pbs/permissions.ts";
import { smallestRoleFor } from "./roles.ts";

describe("the smallest role", () => {
  it.each([
    ["Datastore.Modify", "DatastoreAdmin"],
    ["Datastore.Audit", "DatastoreAudit"],
    ["Datastore.Audit|Datastore.Backup", "DatastoreAudit"],
    ["Datastore.Audit&Datastore.Backup", "DatastoreAdmin"],
    ["Datastore.Verify", "DatastoreReader"],
    ["Datastore.Prune", "DatastorePowerUser"],
    ["Remote.Modify", "RemoteAdmin"],
    ["Sys.Audit", "Audit"],
    ["Datastore.Allocate", "Admin"],
    ["Permissions.Modify", "Admin"],
  ])("for %s is %s", (needed, role) => {
    expect(smallestRoleFor(needed)).toBe(role);
  });

  it("has the privilege at the server too, and none with fewer has it", () => {
    for (const privilege of new Set(Object.values(roles).flat())) {
      const role = smallestRoleFor(privilege);
      expect(roles[role]).toContain(privilege);
      const having = Object.entries(roles).filter(
        ([name, privileges]) => privileges.includes(privilege) && !name.startsWith("Tape"),
      );
      const fewest = Math.min(...having.map(([, privileges]) => privileges.length));
      expect(roles[role]).toHaveLength(fewest);
    }
  });
});
