import type { Proofs } from "./testing/proof.ts";

const expected = [
  'job="node",instance="proj-pg02"',
  'job="node",instance="proj-mon01"',
  'job="node",instance="pbs01"',
  'job="postgres",instance="proj-pg01"',
  'job="postgres",instance="proj-pg02"',
  'job="mysql",instance="proj-my01"',
  'job="mongodb",instance="proj-mongo01"',
  'job="rustydb",instance="proj-rdb01"',
  'job="prometheus",instance="proj-mon01"',
  'job="alertmanager",instance="proj-mon01"',
];

export const targetsProofs: Proofs = [
  {
    alert: "TargetMissing",
    severity: "critical",
    always: Object.fromEntries(expected.map((labels) => [`up{${labels}}`, 1])),
    good: { 'up{job="node",instance="proj-pg01"}': 1 },
    bad: { 'up{job="node",instance="proj-pg01"}': "absent" },
    idle: {
      'pg_up{job="postgres",instance="proj-pg01"}': 1,
      'pg_up{job="postgres",instance="proj-pg02"}': 1,
    },
    labels: { job: "node", instance: "proj-pg01" },
    says: "Prometheus has no target proj-pg01 for job node, although the site has it: nothing is known of it.",
  },
];
