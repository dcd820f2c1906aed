import { selector } from "./rule.ts";
import type { Proof, Proofs } from "./testing/proof.ts";

const node = { job: "node", instance: "proj-pg01", cluster: "pg01" };
const database = { ...node, database: "desi" };
const role = selector("dbkeeper_observed_in_recovery", node);

/** Each on a primary, and silent on a standby that shows the same. */
function onPrimary(
  metric: string,
  labels: Readonly<Record<string, string>>,
  { good, bad }: { readonly good: number; readonly bad: number },
  proof: Pick<Proof, "alert" | "severity" | "says" | "shows" | "also">,
): Proof {
  const series = selector(metric, labels);
  return {
    ...proof,
    labels,
    always: { [role]: 0 },
    good: { [series]: good },
    bad: { [series]: bad },
    elsewhere: { [role]: 1, [series]: bad },
  };
}

const ids = (alert: string, counter: string, what: string): Proof[] =>
  (["warning", "critical"] as const).map((severity) => {
    const isWarning = severity === "warning";
    return onPrimary(
      `dbkeeper_observed_${counter}_age_transactions`,
      database,
      isWarning ? { good: 536_000_000, bad: 558_000_000 } : { good: 500_000_000, bad: 1_095_000_000 },
      {
        alert,
        severity,
        says: `Database desi on proj-pg01 has used ${isWarning ? "25.98" : "50.99"}% of its ${what}. When they are used up, the server takes no writes until it was vacuumed.`,
        shows: `${isWarning ? "25.98" : "50.99"}%`,
        ...(isWarning ? {} : { also: [`${alert} warning`] }),
      },
    );
  });

const freeze = (alert: string, counter: string): Proof =>
  onPrimary(
    `dbkeeper_observed_${counter}_freeze_ratio`,
    database,
    { good: 1.2, bad: 1.21 },
    {
      alert,
      severity: "warning",
      says: "Database desi on proj-pg01 is at 121% of the age at which autovacuum freezes whatever it costs: something keeps it from doing so.",
      shows: "121%",
    },
  );

export const wraparoundProofs: Proofs = [
  ...ids("TransactionIdsRunOut", "xid", "transaction ids"),
  ...ids("MultixactIdsRunOut", "mxid", "multixact ids"),
  freeze("TransactionFreezeBehind", "xid"),
  freeze("MultixactFreezeBehind", "mxid"),
  onPrimary(
    "dbkeeper_observed_oldest_xmin_age_transactions",
    { ...node, holder: "slot" },
    { good: 50_000_000, bad: 51_000_000 },
    {
      alert: "VacuumHeldBack",
      severity: "warning",
      says: "On proj-pg01 a slot keeps the dead rows of 51M transactions: tables grow and nothing can be frozen until it ends.",
      shows: "51M transactions",
    },
  ),
  onPrimary(
    "dbkeeper_observed_oldest_prepared_transaction_seconds",
    database,
    { good: 3600, bad: 3660 },
    {
      alert: "PreparedTransactionOld",
      severity: "warning",
      says: "A transaction in desi on proj-pg01 was prepared 1h 1m 0s ago and never ended: it holds its locks, even over restarts.",
      shows: "1h 1m 0s",
    },
  ),
];
