import { anomalies } from "./anomalies.ts";
import { availability } from "./availability.ts";
import { backup } from "./backup.ts";
import { backupHost } from "./backup-host.ts";
import { backupRuns } from "./backup-runs.ts";
import { capacity } from "./capacity.ts";
import { certificates } from "./certificates.ts";
import { checkRules } from "./check/check.ts";
import { collection } from "./collection.ts";
import { connections } from "./connections.ts";
import { forecasts } from "./forecasts.ts";
import { guestBackups } from "./guest-backups.ts";
import { health } from "./health.ts";
import { hosts } from "./hosts.ts";
import { integrity } from "./integrity.ts";
import type { Inventory } from "./inventory.ts";
import { keyEscrow } from "./key-escrow.ts";
import { kubernetesStorage } from "./kubernetes-storage.ts";
import { type Lab, labOf } from "./lab.ts";
import { maintenance } from "./maintenance.ts";
import { mongodb } from "./mongodb.ts";
import { mysql } from "./mysql.ts";
import { observation } from "./observation.ts";
import { pbs } from "./pbs.ts";
import { performance } from "./performance.ts";
import { physicalBackups } from "./physical-backups.ts";
import { proxmox } from "./proxmox.ts";
import { replication } from "./replication.ts";
import type { RuleGroup } from "./rule.ts";
import { rustydb } from "./rustydb.ts";
import { security } from "./security.ts";
import { slo, sloDays } from "./slo.ts";
import { snapshots } from "./snapshots.ts";
import { stack } from "./stack.ts";
import { targets } from "./targets.ts";
import { wal } from "./wal.ts";
import { watchdog } from "./watchdog.ts";
import { wraparound } from "./wraparound.ts";

/** Every area, a file each. */
const areaFiles: readonly ((lab: Lab) => RuleGroup)[] = [
  targets,
  availability,
  health,
  backup,
  backupHost,
  keyEscrow,
  certificates,
  backupRuns,
  physicalBackups,
  replication,
  connections,
  hosts,
  performance,
  wal,
  wraparound,
  proxmox,
  guestBackups,
  pbs,
  snapshots,
  integrity,
  observation,
  security,
  stack,
  collection,
  watchdog,
  rustydb,
  maintenance,
  slo,
  sloDays,
  capacity,
  forecasts,
  mysql,
  kubernetesStorage,
  anomalies,
  mongodb,
];

/**
 * All rules of a site, one group an area; areas without anything to watch are left out.
 *
 * @throws {RuleError} where a rule is wrong, naming file and line
 */
export function ruleGroups(inventory: Inventory): RuleGroup[] {
  const groups = uncheckedGroups(inventory);
  checkRules(groups, inventory);
  return groups;
}

/** The same without looking at them: for tests, which say more of a wrong rule. */
export function uncheckedGroups(inventory: Inventory): RuleGroup[] {
  const lab = labOf(inventory);
  return areaFiles.map((area) => area(lab)).filter(({ rules }) => rules.length > 0);
}
