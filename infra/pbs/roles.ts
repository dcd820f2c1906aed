/** Which privileges the server's roles have; those of tapes and of nobody left out. */
const privilegesOf = {
  DatastoreAudit: ["Datastore.Audit"],
  DatastoreBackup: ["Datastore.Backup"],
  RemoteAudit: ["Remote.Audit"],
  Audit: ["Sys.Audit", "Datastore.Audit"],
  DatastorePowerUser: ["Datastore.Backup", "Datastore.Prune"],
  RemoteSyncOperator: ["Remote.Audit", "Remote.Read"],
  DatastoreReader: ["Datastore.Audit", "Datastore.Read", "Datastore.Verify"],
  RemoteAdmin: ["Remote.Audit", "Remote.Modify", "Remote.Read"],
  RemoteSyncPushOperator: ["Remote.Audit", "Remote.Read", "Remote.DatastoreBackup"],
  RemoteDatastorePowerUser: ["Remote.Read", "Remote.DatastoreBackup", "Remote.DatastorePrune"],
  RemoteDatastoreAdmin: [
    "Remote.Read",
    "Remote.DatastoreBackup",
    "Remote.DatastoreModify",
    "Remote.DatastorePrune",
  ],
  DatastoreAdmin: [
    "Datastore.Audit",
    "Datastore.Modify",
    "Datastore.Read",
    "Datastore.Verify",
    "Datastore.Backup",
    "Datastore.Prune",
  ],
} as const;

/**
 * The role with the fewest privileges that has what a call needs; `Admin` where no smaller one has it.
 * @param needed as the server writes them: `A&B` for both, `A|B` for either
 */
export function smallestRoleFor(needed: string): string {
  const fits = (privileges: readonly string[]) =>
    needed.includes("|")
      ? needed.split("|").some((one) => privileges.includes(one))
      : needed.split("&").every((one) => privileges.includes(one));
  const roles: [string, readonly string[]][] = Object.entries(privilegesOf);
  return roles.find(([, privileges]) => fits(privileges))?.[0] ?? "Admin";
}
