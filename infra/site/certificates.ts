import { z } from "zod";
import { label, positive } from "./primitives.ts";

/** The lab's own certificates, for its exporters, Prometheus, Alertmanager and databases. */
export const certificates = z
  .strictObject({
    /** The name of the authority that signs; another name is another authority. Default ca1. */
    authority: label.default("ca1"),
    /** Authorities that everybody trusts besides, while one takes the place of another. */
    alsoTrusted: z.array(label).default([]),
    /** Default 90. */
    validityDays: positive.max(398, "at most 398, what browsers accept").default(90),
    /** From so many days before its end on, an update renews a certificate. Default 30. */
    renewBeforeDays: positive.default(30),
  })
  .refine(({ validityDays, renewBeforeDays }) => renewBeforeDays < validityDays, {
    path: ["renewBeforeDays"],
    error: "fewer days than validityDays, or every update would renew",
  })
  .refine(({ authority, alsoTrusted }) => new Set([authority, ...alsoTrusted]).size > alsoTrusted.length, {
    path: ["alsoTrusted"],
    error: "each authority once, and not the one that signs",
  });
