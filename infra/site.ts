import { z } from "zod";
import { certificates } from "./site/certificates.ts";
import { checkTogether } from "./site/checks.ts";
import { label } from "./site/primitives.ts";
import { type Problem, pathOf, problemOf, SiteError, unusableNames } from "./site/problems.ts";
import { archive, objectives, pbs, policies, retentions } from "./site/protection.ts";
import { access, domain, guest, images, networks, proxmox } from "./site/proxmox.ts";
import { binaries, databases, monitoring } from "./site/services.ts";

/** Everything that differs between sites. Each section is documented where it is defined. */
const schema = z.strictObject({
  name: label,
  domain,
  /** True for a site that is thrown away as a whole: nothing is protected from deletion. Default false. */
  disposable: z.boolean().default(false),
  proxmox,
  networks,
  images,
  access: access.prefault({}),
  guests: z.array(guest).min(1, "at least one guest"),
  objectives,
  pbs,
  retentions,
  policies,
  archive,
  certificates: certificates.prefault({}),
  databases,
  monitoring,
  binaries,
});

/** A site as it is written in `stacks/`: what has a default may be left out. */
export type SiteInput = z.input<typeof schema>;

/** A site after validation: every reference exists and every default is filled in. */
export type Site = z.output<typeof schema>;

export type Objective = Site["objectives"][string];

export type Guest = Site["guests"][number];
export type PostgresCluster = Site["databases"]["postgres"][number];
export type Bucket = Site["archive"]["buckets"]["dumps"];
export type Channel = Site["monitoring"]["channels"][number];
export type PinnedBinary = Site["binaries"]["node"];

/**
 * Validates a site.
 * @throws SiteError naming every problem at once: path, value, reason and what is allowed.
 */
export function parseSite(input: unknown): Site {
  const problems: Problem[] = [];
  const parsed: Record<string, unknown> = {};
  const given = typeof input === "object" && input !== null ? (input as Record<string, unknown>) : {};
  problems.push(...unusableNames(given));
  for (const key of Object.keys(given)) {
    if (!Object.hasOwn(schema.shape, key) && key !== "__proto__") {
      problems.push({
        path: pathOf([key]),
        value: given[key],
        reason: "there is no such section",
        allowed: Object.keys(schema.shape).join(", "),
      });
    }
  }
  // Section by section, so that a mistake in one does not hide those of the others.
  for (const [key, section] of Object.entries(schema.shape)) {
    const result = section.safeParse(Object.hasOwn(given, key) ? given[key] : undefined);
    if (result.success) parsed[key] = result.data;
    else problems.push(...result.error.issues.map((issue) => problemOf(issue, [key], given[key])));
  }
  problems.push(...checkTogether(parsed as Partial<Site>));
  if (problems.length > 0) throw new SiteError(problems);
  return parsed as Site;
}
