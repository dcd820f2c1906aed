import { anomaliesProofs } from "../anomalies.proofs.ts";
import { availabilityProofs } from "../availability.proofs.ts";
import { backupProofs } from "../backup.proofs.ts";
import { backupHostProofs } from "../backup-host.proofs.ts";
import { backupRunsProofs } from "../backup-runs.proofs.ts";
import { capacityProofs } from "../capacity.proofs.ts";
import { certificatesProofs } from "../certificates.proofs.ts";
import { collectionProofs } from "../collection.proofs.ts";
import { connectionsProofs } from "../connections.proofs.ts";
import { forecastsProofs } from "../forecasts.proofs.ts";
import { guestBackupsProofs } from "../guest-backups.proofs.ts";
import { healthProofs } from "../health.proofs.ts";
import { hostsProofs } from "../hosts.proofs.ts";
import { integrityProofs } from "../integrity.proofs.ts";
import { keyEscrowProofs } from "../key-escrow.proofs.ts";
import { kubernetesStorageProofs } from "../kubernetes-storage.proofs.ts";
import { maintenanceProofs } from "../maintenance.proofs.ts";
import { mongodbProofs } from "../mongodb.proofs.ts";
import { mysqlProofs } from "../mysql.proofs.ts";
import { observationProofs } from "../observation.proofs.ts";
import { pbsProofs } from "../pbs.proofs.ts";
import { performanceProofs } from "../performance.proofs.ts";
import { physicalBackupsProofs } from "../physical-backups.proofs.ts";
import { proxmoxProofs } from "../proxmox.proofs.ts";
import { replicationProofs } from "../replication.proofs.ts";
import { rustydbProofs } from "../rustydb.proofs.ts";
import { securityProofs } from "../security.proofs.ts";
import { sloProofs } from "../slo.proofs.ts";
import { snapshotsProofs } from "../snapshots.proofs.ts";
import { stackProofs } from "../stack.proofs.ts";
import { targetsProofs } from "../targets.proofs.ts";
import { walProofs } from "../wal.proofs.ts";
import { watchdogProofs } from "../watchdog.proofs.ts";
import { wraparoundProofs } from "../wraparound.proofs.ts";
import type { Proofs } from "./proof.ts";

/** The proofs of all areas, by the name of the group that they prove. */
export const proofsByGroup: Readonly<Record<string, Proofs>> = {
  targets: targetsProofs,
  availability: availabilityProofs,
  health: healthProofs,
  replication: replicationProofs,
  backup: backupProofs,
  "backup-runs": backupRunsProofs,
  "physical-backups": physicalBackupsProofs,
  connections: connectionsProofs,
  "backup-host": backupHostProofs,
  "key-escrow": keyEscrowProofs,
  hosts: hostsProofs,
  performance: performanceProofs,
  wal: walProofs,
  wraparound: wraparoundProofs,
  proxmox: proxmoxProofs,
  "guest-backups": guestBackupsProofs,
  pbs: pbsProofs,
  snapshots: snapshotsProofs,
  integrity: integrityProofs,
  observation: observationProofs,
  security: securityProofs,
  certificates: certificatesProofs,
  stack: stackProofs,
  collection: collectionProofs,
  watchdog: watchdogProofs,
  rustydb: rustydbProofs,
  maintenance: maintenanceProofs,
  slo: sloProofs,
  capacity: capacityProofs,
  forecasts: forecastsProofs,
  mysql: mysqlProofs,
  "kubernetes-storage": kubernetesStorageProofs,
  anomalies: anomaliesProofs,
  mongodb: mongodbProofs,
};
