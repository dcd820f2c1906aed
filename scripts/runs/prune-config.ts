import * as z from "zod";

const count = z.int().min(1).optional();

/** What a policy may keep by; without any of them, everything would be as good as gone. */
const rules = [
  "keepDays",
  "keepLast",
  "keepHourly",
  "keepDaily",
  "keepWeekly",
  "keepMonthly",
  "keepYearly",
] as const;

/**
 * Which runs stay on the disk: each that at least one rule keeps. Days, weeks (from Monday), months and years are those
 * of UTC. The rules from `keepLast` to `keepYearly` are those of Proxmox Backup Server and count validated runs only.
 */
export const retentionSchema = z
  .strictObject({
    /** Age in days up to which every run stays, proven or not. Default: age keeps nothing. */
    keepDays: count,
    /** The newest so many runs. Default 0. */
    keepLast: count,
    /** The newest run of each of so many hours that have one. Default 0. */
    keepHourly: count,
    /** The newest run of each of so many days that have one. Default 0. */
    keepDaily: count,
    /** The newest run of each of so many weeks that have one. Default 0. */
    keepWeekly: count,
    /** The newest run of each of so many months that have one. Default 0. */
    keepMonthly: count,
    /** The newest run of each of so many years that have one. Default 0. */
    keepYearly: count,
    /** Restore-validated runs that stay whatever their age, at least 3; while there are fewer, nothing goes. Default 3. */
    keepValidated: z.int().min(3).default(3),
    /**
     * Whether a validated run goes only after its own copy is in the archive; `archive` must then run as often. Default
     * false.
     */
    requireOffsite: z.boolean().default(false),
  })
  .refine((policy) => rules.some((rule) => policy[rule] !== undefined), {
    message: `keeps nothing; give at least one of ${rules.join(", ")}`,
  })
  .prefault({ keepDays: 30 });

/** See {@link retentionSchema}. */
export type Retention = z.output<typeof retentionSchema>;
