import type { Lab } from "./lab.ts";
import { alert, type RuleGroup } from "./rule.ts";

const checked = 'lab_key_escrow_checked_timestamp_seconds{job="node"}';

/** Whether the keys of the backups are kept elsewhere: what only the lost hosts could open is lost with them. */
export function keyEscrow(lab: Lab): RuleGroup {
  return { name: "key-escrow", rules: [neverChecked(lab), checkTooOld(lab)] };
}

const neverChecked = (lab: Lab) => {
  const limit = lab.limit("keyEscrowMissing");
  return alert({
    name: "KeyEscrowNeverChecked",
    expression: `${checked} == ${limit.value}`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "Nobody has seen that the key of backups is kept elsewhere.",
    description:
      "The key that {{ $labels.storage }} encrypts its backups with was made a week ago or longer, and no copy outside of the lab was checked since: if the lab is lost, so are they.",
    value: "never checked",
  });
};

const checkTooOld = (lab: Lab) => {
  const limit = lab.limit("keyEscrowAge");
  return alert({
    name: "KeyEscrowCheckTooOld",
    expression: `time() - ${checked} > ${limit.value} unless ${checked} == 0`,
    limit,
    severity: "warning",
    area: "backup",
    summary: "The kept keys of the backups were not checked for too long.",
    description:
      "That the kept copy of the key of {{ $labels.storage }} fits was last seen {{ $value | humanizeDuration }} ago: media fail and safes are cleared.",
    value: "{{ $value | humanizeDuration }}",
  });
};
