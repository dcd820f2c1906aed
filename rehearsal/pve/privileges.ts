/** Privileges of the product by what they are about. */
const byArea = {
  Sys: ["Audit", "Modify", "Syslog", "Console", "Incoming", "AccessNetwork", "PowerMgmt"],
  Datastore: ["Allocate", "AllocateSpace", "AllocateTemplate", "Audit"],
  VM: ["Allocate", "Audit", "Backup", "Clone", "Console", "Migrate", "PowerMgmt", "Replicate"],
  "VM.Config": ["CDROM", "CPU", "Cloudinit", "Disk", "HWType", "Memory", "Network", "Options"],
  "VM.GuestAgent": ["Audit", "FileRead", "FileSystemMgmt", "FileWrite", "Unrestricted"],
  "VM.Snapshot": ["Rollback"],
  SDN: ["Allocate", "Audit", "Use"],
  Mapping: ["Audit", "Modify", "Use"],
  Pool: ["Allocate", "Audit"],
  Realm: ["Allocate", "AllocateUser"],
  Group: ["Allocate"],
  User: ["Modify"],
  Permissions: ["Modify"],
} as const;

/** Every privilege that there is. */
export const allPrivileges: readonly string[] = [
  ...Object.entries(byArea).flatMap(([area, names]) => names.map((name) => `${area}.${name}`)),
  "VM.Snapshot",
].sort();

const those = (pattern: RegExp, except?: RegExp) =>
  allPrivileges.filter((name) => pattern.test(name) && !except?.test(name));

/** Roles that every cluster has. They can be neither changed nor removed. */
export const builtinRoles: Readonly<Record<string, readonly string[]>> = {
  Administrator: allPrivileges,
  NoAccess: [],
  PVEAdmin: those(
    /./,
    /^(Sys\.(Modify|PowerMgmt|AccessNetwork|Incoming|Console)|Permissions\.|Realm\.Allocate$)/,
  ),
  PVEAuditor: those(/\.Audit$/, /GuestAgent/),
  PVEDatastoreAdmin: those(/^Datastore\./),
  PVEDatastoreUser: ["Datastore.AllocateSpace", "Datastore.Audit"],
  PVEPoolAdmin: those(/^Pool\./),
  PVEPoolUser: ["Pool.Audit"],
  PVESDNAdmin: those(/^SDN\./),
  PVESDNUser: ["SDN.Audit", "SDN.Use"],
  PVESysAdmin: those(/^Sys\./, /Modify|PowerMgmt|AccessNetwork|Incoming/),
  PVETemplateUser: ["VM.Audit", "VM.Clone"],
  PVEUserAdmin: ["Group.Allocate", "Realm.AllocateUser", "User.Modify"],
  PVEVMAdmin: those(/^VM\./),
  PVEVMUser: [
    "VM.Audit",
    "VM.Backup",
    "VM.Config.CDROM",
    "VM.Config.Cloudinit",
    "VM.Console",
    "VM.GuestAgent.Audit",
    "VM.GuestAgent.FileRead",
    "VM.GuestAgent.FileSystemMgmt",
    "VM.GuestAgent.FileWrite",
    "VM.GuestAgent.Unrestricted",
    "VM.PowerMgmt",
  ],
};
