import { selector } from "./rule.ts";
import { onTopOf } from "./testing/baseline.ts";
import { testInventory } from "./testing/inventory.ts";
import type { Proof, Proofs } from "./testing/proof.ts";
import type { Series, Values } from "./testing/series.ts";

const node = { job: "node", instance: "proj-pg01" };
const day = 86_400;
const service = { ...node, service: "postgres_exporter" };
const authority = { ...node, authority: "lab" };

const checked = (instance: string, values: Values): Series => ({
  [selector("lab_certificates_checked_timestamp_seconds", { job: "node", instance })]: values,
});
const allLook = Object.assign(
  {},
  ...testInventory.hosts.map((host) => checked(host, { ageSeconds: 60 })),
) as Series;

/** A certificate with so many days left. */
const left = (days: number): Series => ({
  [selector("lab_certificate_not_after_timestamp_seconds", service)]: { ageSeconds: -days * day },
});
const authorityLeft = (days: number): Series => ({
  [selector("lab_authority_not_after_timestamp_seconds", authority)]: { ageSeconds: -days * day },
});
const served = selector("lab_certificate_is_served", service);

const expires = (severity: Proof["severity"], days: number, shows: string, good: number): Proof => ({
  alert: "CertificateExpiresSoon",
  severity,
  good: left(good),
  bad: left(days),
  labels: service,
  says: `The certificate of postgres_exporter on proj-pg01 ends in ${shows}; then nobody accepts it any more. Run \`pulumi up\`.`,
  shows,
  ...(severity === "critical" ? { also: ["CertificateExpiresSoon warning"] } : {}),
});

const authorityExpires = (severity: Proof["severity"], days: number, shows: string): Proof => ({
  alert: "AuthorityExpiresSoon",
  severity,
  good: authorityLeft(366),
  bad: authorityLeft(days),
  labels: authority,
  says: `lab, which proj-pg01 trusts, ends in ${shows}, and everything that it has signed with it. \`pulumi up\` signs it again.`,
  shows,
  ...(severity === "critical" ? { also: ["AuthorityExpiresSoon warning"] } : {}),
});

export const certificatesProofs: Proofs = [
  ...onTopOf(allLook, [
    {
      alert: "CertificateRenewalMissed",
      severity: "warning",
      good: left(27.5),
      bad: left(26.5),
      labels: service,
      says: "The certificate of postgres_exporter on proj-pg01 has been due for days and ends in 26d 12h 0m 0s: run `pulumi up`.",
      shows: "26d 12h 0m 0s",
    },
    expires("warning", 20.5, "20d 12h 0m 0s", 21.5),
    expires("critical", 6.5, "6d 12h 0m 0s", 28),
    {
      alert: "CertificateNotServed",
      severity: "warning",
      good: { [served]: 1 },
      bad: { [served]: 0 },
      labels: service,
      says: "postgres_exporter on proj-pg01 does not show the certificate that was delivered to it: reload or restart it before the old one ends.",
      shows: "an old one",
    },
    authorityExpires("warning", 364, "364d 0h 0m 0s"),
    authorityExpires("critical", 89, "89d 0h 0m 0s"),
  ]),
  {
    alert: "CertificatesUnwatched",
    severity: "warning",
    good: { ...allLook, ...checked("proj-pg01", { ageSeconds: 6 * 3600 }) },
    bad: checked("proj-pg01", { ageSeconds: 6 * 3600 + 60 }),
    labels: node,
    says: "proj-pg01 has last looked at its certificates 6h 1m 0s ago; it should every hour.",
    shows: "6h 1m 0s",
  },
  {
    alert: "CertificatesUnknown",
    severity: "warning",
    good: allLook,
    bad: checked("proj-pg01", "absent"),
    labels: node,
    says: "proj-pg01 has never told when its certificates end.",
  },
];
