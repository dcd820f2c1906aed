import type { Proofs } from "./testing/proof.ts";

/** It fires at once and never ends, whatever there is. */
export const watchdogProofs: Proofs = [
  {
    alert: "Watchdog",
    severity: "none",
    good: {},
    bad: {},
    labels: {},
    says: "This alert always fires. When it stops to arrive, nobody is told of anything any more.",
  },
];
