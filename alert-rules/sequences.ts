import type { Lab } from "./lab.ts";
import { type Alert, alert } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** Sequences that have few values left (group `capacity`): after the last one every insert fails. */
export function sequences(lab: Lab): Alert[] {
  return tiers(lab, { warning: "sequenceUsed", critical: "sequenceUsedCritical" }, (tier) =>
    alert({
      ...tier,
      name: "SequenceRunsOut",
      expression: `dbkeeper_sequence_used_ratio{job="node"} > ${tier.limit.value}`,
      area: "capacity",
      summary: "A sequence of a database runs out of values.",
      description:
        "A sequence in {{ $labels.database }} on {{ $labels.instance }} has given away most of the values that it or its column may have: after the last one every insert that needs one fails.",
      value: "{{ $value | humanizePercentage }}",
    }),
  );
}
