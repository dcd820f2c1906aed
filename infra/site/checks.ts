import type { Site } from "../site.ts";
import { alertingRules } from "./alerting-checks.ts";
import { archiveRules } from "./archive-checks.ts";
import { backupHostRules } from "./backup-host-checks.ts";
import { databaseRules } from "./database-checks.ts";
import {
  addressesApart,
  guestAddresses,
  guestIdentity,
  guestReferences,
  imageFiles,
  networkRanges,
} from "./guest-checks.ts";
import { monitoringRules } from "./monitoring-checks.ts";
import type { Problem } from "./problems.ts";
import { protection } from "./protection-checks.ts";
import { schedules } from "./schedule-checks.ts";

/** A check runs on the sections that parsed, and says nothing of those that did not. */
type Check = (site: Partial<Site>) => Problem[];

const checks: readonly Check[] = [
  guestIdentity,
  guestReferences,
  guestAddresses,
  addressesApart,
  imageFiles,
  networkRanges,
  schedules,
  protection,
  archiveRules,
  databaseRules,
  monitoringRules,
  alertingRules,
  backupHostRules,
];

/** What is wrong only together: identity, references, schedules, and objectives that cannot be met. */
export function checkTogether(site: Partial<Site>): Problem[] {
  return checks.flatMap((check) => check(site));
}
