import type { Proofs } from "./testing/proof.ts";

const day = 86_400;
const labels = { job: "node", instance: "proj-mon01", storage: "pbs-critical" };
const checked =
  'lab_key_escrow_checked_timestamp_seconds{job="node",instance="proj-mon01",storage="pbs-critical"}';

export const keyEscrowProofs: Proofs = [
  {
    alert: "KeyEscrowNeverChecked",
    severity: "warning",
    good: { [checked]: 1 },
    bad: { [checked]: 0 },
    stepMinutes: 60,
    labels,
    says: "The key that pbs-critical encrypts its backups with was made a week ago or longer, and no copy outside of the lab was checked since: if the lab is lost, so are they.",
    shows: "never checked",
    idle: { [checked]: { ageSeconds: day } },
  },
  {
    alert: "KeyEscrowCheckTooOld",
    severity: "warning",
    good: { [checked]: { ageSeconds: 92 * day } },
    bad: { [checked]: { ageSeconds: 92 * day + 60 } },
    labels,
    says: "That the kept copy of the key of pbs-critical fits was last seen 92d 0h 1m 0s ago: media fail and safes are cleared.",
    shows: "92d 0h 1m 0s",
    idle: { [checked]: { ageSeconds: day } },
  },
];
