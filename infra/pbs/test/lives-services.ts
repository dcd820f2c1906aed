import { remote } from "../resources/remote.ts";
import { syncJob } from "../resources/sync-job.ts";
import type { Life } from "./lives.ts";

const other = { name: "offsite", host: "pbs.example.org", authId: "sync@pbs!lab" };
const copy = { jobId: "offsite-pull", store: "vms", remoteStore: "vms-there" };
const fingerprint = (byte: string) => Array.from({ length: 32 }, () => byte).join(":");

/** One of each type beyond datastores, their jobs and the access to them. */
export const serviceLives: Life[] = [
  {
    name: "Remote",
    resource: remote,
    api: "/config/remote",
    first: {
      ...other,
      password: "first password",
      port: 443,
      fingerprint: fingerprint("AB"),
      comment: "the other building",
    },
    second: { ...other, password: "second password", useNodeProxy: true },
    secrets: { password: "first password" },
    id: "offsite",
    behind: (client) => client.put("/config/remote/offsite", { host: "192.0.2.7" }),
    drifted: "host",
    others: {
      host: "2001:db8::7",
      port: 8008,
      authId: "somebody@pbs",
      fingerprint: fingerprint("cd"),
      useNodeProxy: true,
      comment: "elsewhere",
    },
  },
  {
    name: "SyncJob",
    resource: syncJob,
    api: "/config/sync",
    first: {
      ...copy,
      ns: "lab",
      remote: "offsite",
      remoteNs: "lab/vms",
      schedule: "daily",
      owner: "root@pam",
      maxDepth: 2,
      groupFilter: ["include:type:vm", "exclude:group:vm/900"],
      transferLast: 3,
      rateIn: "10mib",
      burstIn: "100 MB",
      associatedKey: ["old-key"],
    },
    second: {
      ...copy,
      remote: "offsite",
      syncDirection: "push",
      activeEncryptionKey: "new-key",
      rateOut: "1.5G",
    },
    id: "offsite-pull",
    behind: (client) => client.put("/config/sync/offsite-pull", { "remove-vanished": true }),
    drifted: "removeVanished",
    others: {
      store: "pictures",
      ns: "lab/vms",
      remote: "another",
      remoteStore: "elsewhere",
      remoteNs: "lab",
      syncDirection: "push",
      schedule: "hourly",
      owner: "sync@pbs",
      removeVanished: true,
      maxDepth: 3,
      groupFilter: ["type:ct"],
      transferLast: 4,
      resyncCorrupt: true,
      verifiedOnly: true,
      encryptedOnly: true,
      runOnMount: true,
      unmountOnDone: true,
      workerThreads: 4,
      rateIn: "11 MiB",
      rateOut: "5 MiB",
      burstIn: "100 MiB",
      burstOut: "50 MiB",
      activeEncryptionKey: "newer-key",
      associatedKey: ["old-key", "older-key"],
      comment: "off site",
    },
  },
];
