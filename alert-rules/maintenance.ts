import type { WatchedCluster } from "./inventory.ts";
import type { Lab } from "./lab.ts";
import { alert, type RuleGroup, selector } from "./rule.ts";

/** Vacuum, statistics and indexes: what autovacuum and the nightly maintenance should have done. */
export function maintenance(lab: Lab): RuleGroup {
  return {
    name: "maintenance",
    // What it reads is written once a minute at most.
    intervalSeconds: lab.every(60),
    rules: [
      neglected(lab, "TablesNotVacuumed", "unvacuumed", "vacuumed"),
      neglected(lab, "TablesNotAnalyzed", "unanalyzed", "analyzed"),
      deadRows(lab),
      workersExhausted(lab),
      bloated(lab),
      invalidIndexes(lab),
      failed(lab),
      itemsFailed(lab),
      overdue(lab),
      ...lab.clusters.map((cluster) => unknown(lab, cluster)),
    ],
  };
}

function neglected(lab: Lab, name: string, which: "unvacuumed" | "unanalyzed", done: string) {
  const limit = lab.limit("neglectedTables");
  return alert({
    name,
    expression: `dbkeeper_observed_${which}_tables{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: `Tables that need it are not ${done}.`,
    description: `{{ $value }} tables of {{ $labels.database }} on {{ $labels.instance }} have changed a lot and were not ${done} for more than a day: neither autovacuum nor the nightly maintenance came by.`,
    value: "{{ $value }} tables",
  });
}

const deadRows = (lab: Lab) => {
  const limit = lab.limit("deadRows");
  return alert({
    name: "DeadRowsMany",
    expression: `dbkeeper_observed_dead_row_ratio{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "A table consists of dead rows to a large part.",
    description:
      "{{ $value | humanizePercentage }} of the rows of a table in {{ $labels.database }} on {{ $labels.instance }} are dead: each query reads them too.",
    value: "{{ $value | humanizePercentage }}",
  });
};

const workersExhausted = (lab: Lab) => {
  const limit = lab.limit("autovacuumWorkers");
  const most = 'dbkeeper_observed_autovacuum_workers_max{job="node"}';
  return alert({
    name: "AutovacuumWorkersExhausted",
    expression: `dbkeeper_observed_autovacuum_workers{job="node"} / ${most} >= ${limit.value} and ${most} > 0`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "All autovacuum workers have been busy for long.",
    description:
      "Autovacuum on {{ $labels.instance }} has had no free worker for an hour: tables that are due wait for their turn.",
    value: "{{ $value | humanizePercentage }} busy",
  });
};

const bloated = (lab: Lab) => {
  const limit = lab.limit("bloat");
  const size = 'sum by (instance, cluster, database) (dbkeeper_maintain_database_size_bytes{job="node"})';
  return alert({
    name: "DatabaseBloated",
    expression: `sum by (instance, cluster, database) (dbkeeper_maintain_bloat_bytes{job="node"}) / ${size} > ${limit.value} and ${size} > ${lab.limit("bloatFloor").value}`,
    limit,
    severity: "warning",
    area: "capacity",
    summary: "A database is bloated.",
    description:
      "{{ $value | humanizePercentage }} of {{ $labels.database }} on {{ $labels.instance }} is room that nothing uses, in tables and indexes. Queries read it, backups do not.",
    value: "{{ $value | humanizePercentage }}",
  });
};

const invalidIndexes = (lab: Lab) => {
  const limit = lab.limit("invalidIndexes");
  return alert({
    name: "InvalidIndexes",
    expression: `dbkeeper_observed_invalid_indexes{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "An index is not used because it is not valid.",
    description:
      "{{ $value }} indexes of {{ $labels.database }} on {{ $labels.instance }} were never finished: each write keeps them up to date, and no query uses them.",
    value: "{{ $value }} indexes",
  });
};

const failed = (lab: Lab) => {
  const limit = lab.limit("maintenanceExitCode");
  return alert({
    name: "MaintenanceFailed",
    expression: `dbkeeper_last_run_exit_code{job="node",command="maintain"} != ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "The maintenance of the databases has failed.",
    description:
      "The last `dbkeeper maintain` on {{ $labels.instance }} ended with exit code {{ $value }}; `dbkeeper --help` lists what they mean.",
    value: "exit code {{ $value }}",
  });
};

const itemsFailed = (lab: Lab) => {
  const limit = lab.limit("maintenanceItems");
  return alert({
    name: "MaintenanceItemsFailed",
    expression: `sum by (instance, cluster, action) (dbkeeper_maintain_items{job="node",outcome=~"failed|not-permitted"}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Some tables or indexes cannot be maintained.",
    description:
      "The last maintenance on {{ $labels.instance }} could not {{ $labels.action }} {{ $value }} tables or indexes: a right is missing, or they are damaged.",
    value: "{{ $value }} not done",
  });
};

const overdue = (lab: Lab) => {
  const limit = lab.limit("maintenanceAge");
  return alert({
    name: "MaintenanceOverdue",
    // After a failover another member runs it.
    expression: `time() - max by (cluster) (dbkeeper_last_run_timestamp_seconds{job="node",command="maintain"}) > ${limit.value}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "The databases were not maintained in time.",
    description:
      "Cluster {{ $labels.cluster }} was last maintained {{ $value | humanizeDuration }} ago; it should be every night.",
    value: "{{ $value | humanizeDuration }}",
  });
};

function unknown(lab: Lab, { name, primary }: WatchedCluster) {
  const ended = { job: "node", cluster: name, command: "maintain" };
  return alert({
    name: "MaintenanceUnknown",
    expression: `absent(${selector("dbkeeper_last_run_timestamp_seconds", ended)})`,
    forSeconds: lab.limit("maintenanceUnknown").forSeconds,
    severity: "warning",
    area: "performance",
    summary: "Nothing is known of the maintenance of a cluster.",
    description: `Cluster {{ $labels.cluster }} was never maintained: does the timer on ${primary} run?`,
  });
}
