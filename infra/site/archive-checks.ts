import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { minimumDays } from "./protection.ts";

export function archiveRules({ archive }: Partial<Site>): Problem[] {
  const buckets = Object.entries(archive?.buckets ?? {});
  return [
    ...buckets.flatMap(([key, { name }], index) => {
      const other = buckets.slice(0, index).find(([, before]) => before.name === name);
      if (!other) return [];
      return [
        {
          path: `archive.buckets.${key}.name`,
          value: name,
          reason: `bucket ${other[0]} is called so already`,
          allowed: "a name of its own",
        },
      ];
    }),
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
