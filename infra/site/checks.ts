import type { Site } from "../site.ts";
import { guestAddresses, guestIdentity, guestReferences, networkRanges } from "./guest-checks.ts";
import type { Problem } from "./problems.ts";
import { archiveRules, protection, schedules } from "./protection-checks.ts";
import { serviceReferences } from "./service-checks.ts";

/** A check runs on the sections that parsed, and says nothing of those that did not. */
type Check = (site: Partial<Site>) => Problem[];

const checks: readonly Check[] = [
  guestIdentity,
  guestReferences,
  guestAddresses,
  networkRanges,
  schedules,
  protection,
  archiveRules,
  serviceReferences,
];

/** What is wrong only together: identity, references, schedules, and objectives that cannot be met. */
export function checkTogether(site: Partial<Site>): Problem[] {
  return checks.flatMap((check) => check(site));
}
