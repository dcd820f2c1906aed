import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { minimumDays } from "./protection.ts";

export function archiveRules({ archive }: Partial<Site>): Problem[] {
  if (!archive) return [];
  const buckets = Object.entries(archive.buckets);
  return [
    ...namesApart(archive),
    ...logsOutlastLocks(archive),
    ...buckets.flatMap(([key, { replicateTo }]) =>
      replicateTo?.region !== archive.region
        ? []
        : [
            {
              path: `archive.buckets.${key}.replicateTo.region`,
              value: archive.region,
              reason: "the copy would be lost together with the original",
              allowed: `a region other than ${archive.region}`,
            },
          ],
    ),
    ...buckets.flatMap(([key, bucket]) => [
      ...lifecycle(`archive.buckets.${key}`, bucket),
      ...bucket.writers.flatMap((writer, index) =>
        bucket.writers.indexOf(writer) === index
          ? []
          : [
              {
                path: `archive.buckets.${key}.writers[${index}]`,
                value: writer,
                reason: "it is a writer already",
                allowed: "each writer once",
              },
            ],
      ),
    ]),
  ];
}

function lifecycle(at: string, bucket: Site["archive"]["buckets"]["dumps"]): Problem[] {
  const problems: Problem[] = [];
  const billed = minimumDays[bucket.storageClass];
  if (bucket.retentionDays < bucket.transitionAfterDays + billed) {
    problems.push({
      path: `${at}.retentionDays`,
      value: bucket.retentionDays,
      reason: `${bucket.storageClass} is billed for at least ${billed} days after the transition at day ${bucket.transitionAfterDays}`,
      allowed: `at least ${bucket.transitionAfterDays + billed}`,
    });
  }
  if (bucket.lockDays > bucket.retentionDays) {
    problems.push({
      path: `${at}.lockDays`,
      value: bucket.lockDays,
      reason: "the lock outlasts the retention, so that expiry would be refused",
      allowed: `at most ${bucket.retentionDays}`,
    });
  }
  if (bucket.storageClass === "STANDARD_IA" && bucket.transitionAfterDays < 30) {
    problems.push({
      path: `${at}.transitionAfterDays`,
      value: bucket.transitionAfterDays,
      reason: "S3 refuses a transition to STANDARD_IA before day 30",
      allowed: "at least 30",
    });
  }
  return problems;
}

/** S3 knows a bucket by its name alone, wherever in the world it is. */
function namesApart({ buckets, logs }: Site["archive"]): Problem[] {
  const named = [
    ...Object.entries(buckets).map(([key, { name }]) => ({
      path: `archive.buckets.${key}.name`,
      what: `bucket ${key}`,
      name,
    })),
    { path: "archive.logs.name", what: "the bucket of logs", name: logs.name },
    ...Object.entries(buckets).flatMap(([key, { replicateTo }]) =>
      replicateTo
        ? [
            {
              path: `archive.buckets.${key}.replicateTo.name`,
              what: `the copy of bucket ${key}`,
              name: replicateTo.name,
            },
          ]
        : [],
    ),
  ];
  return named.flatMap(({ path, name }, index) => {
    const other = named.slice(0, index).find((before) => before.name === name);
    if (!other) return [];
    return [
      { path, value: name, reason: `${other.what} is called so already`, allowed: "a name of its own" },
    ];
  });
}

/** Who tried to delete a locked version must still be in the log on the day its lock ends. */
function logsOutlastLocks({ buckets, logs }: Site["archive"]): Problem[] {
  const longest = Math.max(...Object.values(buckets).map(({ lockDays }) => lockDays));
  if (logs.retentionDays >= longest) return [];
  return [
    {
      path: "archive.logs.retentionDays",
      value: logs.retentionDays,
      reason: `versions are locked for up to ${longest} days, and the log of who tried to delete them would be gone before`,
      allowed: `at least ${longest}`,
    },
  ];
}
