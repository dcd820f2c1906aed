import type { Lab } from "./lab.ts";
import { alert, type RuleGroup } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** PostgreSQL counts transactions in 32 bits; one that comes within three million of the half of it takes no writes. */
const idLimit = 2 ** 31 - 1;

/** A standby shows the ages of its primary, and can do nothing about them. */
const onPrimary = 'and on (instance) dbkeeper_observed_in_recovery{job="node"} == 0';

/** How far the counters of transactions and multixacts are, and what keeps vacuum from bringing them back. */
export function wraparound(lab: Lab): RuleGroup {
  return {
    name: "wraparound",
    intervalSeconds: lab.every(60),
    rules: [
      ...idsRunOut(lab, { name: "TransactionIdsRunOut", counter: "xid", what: "transaction ids" }),
      ...idsRunOut(lab, { name: "MultixactIdsRunOut", counter: "mxid", what: "multixact ids" }),
      freezeBehind(lab, "TransactionFreezeBehind", "xid"),
      freezeBehind(lab, "MultixactFreezeBehind", "mxid"),
      vacuumHeldBack(lab),
      preparedTransaction(lab),
    ],
  };
}

interface Counter {
  readonly name: string;
  readonly counter: "xid" | "mxid";
  readonly what: string;
}

const idsRunOut = (lab: Lab, { name, counter, what }: Counter) =>
  tiers(lab, { warning: "idsUsed", critical: "idsUsedCritical" }, (tier) =>
    alert({
      ...tier,
      name,
      expression: `dbkeeper_observed_${counter}_age_transactions{job="node"} / ${idLimit} > ${tier.limit.value} ${onPrimary}`,
      area: "integrity",
      summary: `A database runs out of ${what}.`,
      description: `Database {{ $labels.database }} on {{ $labels.instance }} has used {{ $value | humanizePercentage }} of its ${what}. When they are used up, the server takes no writes until it was vacuumed.`,
      value: "{{ $value | humanizePercentage }}",
    }),
  );

function freezeBehind(lab: Lab, name: string, counter: "xid" | "mxid") {
  const limit = lab.limit("freezeRatio");
  return alert({
    name,
    expression: `dbkeeper_observed_${counter}_freeze_ratio{job="node"} > ${limit.value} ${onPrimary}`,
    limit,
    severity: "warning",
    area: "integrity",
    summary: "Autovacuum does not keep up with freezing.",
    description:
      "Database {{ $labels.database }} on {{ $labels.instance }} is at {{ $value | humanizePercentage }} of the age at which autovacuum freezes whatever it costs: something keeps it from doing so.",
    value: "{{ $value | humanizePercentage }}",
  });
}

const vacuumHeldBack = (lab: Lab) => {
  const limit = lab.limit("xminAge");
  return alert({
    name: "VacuumHeldBack",
    expression: `dbkeeper_observed_oldest_xmin_age_transactions{job="node"} > ${limit.value} ${onPrimary}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "Something keeps vacuum from removing dead rows.",
    description:
      "On {{ $labels.instance }} a {{ $labels.holder }} keeps the dead rows of {{ $value | humanize }} transactions: tables grow and nothing can be frozen until it ends.",
    value: "{{ $value | humanize }} transactions",
  });
};

const preparedTransaction = (lab: Lab) => {
  const limit = lab.limit("preparedAge");
  return alert({
    name: "PreparedTransactionOld",
    expression: `dbkeeper_observed_oldest_prepared_transaction_seconds{job="node"} > ${limit.value} ${onPrimary}`,
    limit,
    severity: "warning",
    area: "performance",
    summary: "A prepared transaction was left behind.",
    description:
      "A transaction in {{ $labels.database }} on {{ $labels.instance }} was prepared {{ $value | humanizeDuration }} ago and never ended: it holds its locks, even over restarts.",
    value: "{{ $value | humanizeDuration }}",
  });
};
