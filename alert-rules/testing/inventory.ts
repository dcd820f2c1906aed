import type { Inventory } from "../inventory.ts";

/** A small site with one of everything, on which all rules are proven. */
export const testInventory: Inventory = {
  hosts: ["proj-pg01", "proj-pg02", "proj-mon01", "pbs01"],
  monitoringHost: "proj-mon01",
  backupHost: "pbs01",
  nodes: ["pve1"],
  guests: [
    {
      name: "proj-pg01",
      shouldRun: true,
      backupTool: "pbs",
      backupJob: "proj-pg01-daily",
      maximumBackupAgeSeconds: 26 * 3600,
      backupDurationLimitSeconds: 3600,
    },
    { name: "proj-old01", shouldRun: false, backupTool: "veeam" },
  ],
  datastores: [
    { name: "lab-backups", verificationOutdatedAfterDays: 30, maximumCollectionAgeSeconds: 36 * 3600 },
  ],
  serverJobs: [
    { id: "prune-daily", type: "prune", datastore: "lab-backups", maximumAgeSeconds: 36 * 3600 },
    { id: "verify-lab-backups", type: "verify", datastore: "lab-backups", maximumAgeSeconds: 180 * 3600 },
  ],
  clusters: [
    {
      name: "pg01",
      primary: "proj-pg01",
      standbys: ["proj-pg02"],
      databases: ["desi"],
      maximumDumpAgeHours: 26,
      dumpDurationLimitSeconds: 2700,
      isOffsite: true,
      hasPhysicalBackups: true,
    },
  ],
  others: [
    { guest: "proj-my01", engine: "mysql" },
    { guest: "proj-mongo01", engine: "mongodb" },
    { guest: "proj-rdb01", engine: "rustydb" },
  ],
  hasKubernetes: true,
  scrapeIntervalSeconds: 15,
  evaluationIntervalSeconds: 15,
  certificateRenewBeforeDays: 30,
  pace: 1,
  thresholds: {},
  runbookUrl: "runbooks",
};
