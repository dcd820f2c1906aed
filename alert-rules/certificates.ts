import type { Lab } from "./lab.ts";
import { siteLimit } from "./limit.ts";
import { alert, type RuleGroup, selector } from "./rule.ts";
import { tiers } from "./tiers.ts";

const daySeconds = 86_400;

/**
 * Certificates that near their end, read from the files on the hosts. `pulumi up` renews them; so each of these says
 * that it was not run, or that it did not reach a host or its service.
 */
export function certificates(lab: Lab): RuleGroup {
  return {
    name: "certificates",
    // Ages of hours and days, a rule for each of many.
    intervalSeconds: lab.every(300),
    rules: [
      renewalMissed(lab),
      ...expires(lab),
      notServed(lab),
      ...authorityExpires(lab),
      unwatched(lab),
      ...lab.hosts.map((host) => unknown(lab, host)),
    ],
  };
}

const certificateRest = 'lab_certificate_not_after_timestamp_seconds{job="node"} - time()';

function renewalMissed(lab: Lab) {
  const limit = siteLimit(
    lab.limit("certificateRenewal"),
    Math.round(lab.certificateRenewBeforeDays * 0.9 * daySeconds),
  );
  return alert({
    name: "CertificateRenewalMissed",
    expression: `${certificateRest} < ${limit.value}`,
    limit,
    severity: "warning",
    area: "security",
    summary: "A certificate was not renewed when it was due.",
    description:
      "The certificate of {{ $labels.service }} on {{ $labels.instance }} has been due for days and ends in {{ $value | humanizeDuration }}: run `pulumi up`.",
    value: "{{ $value | humanizeDuration }}",
  });
}

/** Of a month's window a week and three, less where a site renews later. */
const expires = (lab: Lab) =>
  tiers(
    lab,
    { warning: "certificateExpiry", critical: "certificateExpiryCritical" },
    ({ severity, limit }) => {
      const share = severity === "critical" ? 0.25 : 0.7;
      const most = Math.round(lab.certificateRenewBeforeDays * share * daySeconds);
      const own = siteLimit(limit, Math.min(limit.value, most));
      return alert({
        name: "CertificateExpiresSoon",
        expression: `${certificateRest} < ${own.value}`,
        limit: own,
        severity,
        area: "security",
        summary: "A certificate ends soon.",
        description:
          "The certificate of {{ $labels.service }} on {{ $labels.instance }} ends in {{ $value | humanizeDuration }}; then nobody accepts it any more. Run `pulumi up`.",
        value: "{{ $value | humanizeDuration }}",
      });
    },
  );

const notServed = (lab: Lab) => {
  const limit = lab.limit("certificateServed");
  return alert({
    name: "CertificateNotServed",
    expression: `lab_certificate_is_served{job="node"} == ${limit.value}`,
    limit,
    severity: "warning",
    area: "security",
    summary: "A service shows an old certificate.",
    description:
      "{{ $labels.service }} on {{ $labels.instance }} does not show the certificate that was delivered to it: reload or restart it before the old one ends.",
    value: "an old one",
  });
};

const authorityExpires = (lab: Lab) =>
  tiers(lab, { warning: "authorityExpiry", critical: "authorityExpiryCritical" }, (tier) =>
    alert({
      ...tier,
      name: "AuthorityExpiresSoon",
      expression: `lab_authority_not_after_timestamp_seconds{job="node"} - time() < ${tier.limit.value}`,
      area: "security",
      summary: "The certificate authority ends soon.",
      description:
        "{{ $labels.authority }}, which {{ $labels.instance }} trusts, ends in {{ $value | humanizeDuration }}, and everything that it has signed with it. `pulumi up` signs it again.",
      value: "{{ $value | humanizeDuration }}",
    }),
  );

const unwatched = (lab: Lab) => {
  const limit = lab.limit("certificatesChecked");
  return alert({
    name: "CertificatesUnwatched",
    expression: `time() - lab_certificates_checked_timestamp_seconds{job="node"} > ${limit.value}`,
    limit,
    severity: "warning",
    area: "security",
    summary: "A host has stopped to look at its certificates.",
    description:
      "{{ $labels.instance }} has last looked at its certificates {{ $value | humanizeDuration }} ago; it should every hour.",
    value: "{{ $value | humanizeDuration }}",
  });
};

function unknown(lab: Lab, instance: string) {
  return alert({
    name: "CertificatesUnknown",
    expression: `absent(${selector("lab_certificates_checked_timestamp_seconds", { job: "node", instance })})`,
    forSeconds: lab.limit("certificatesUnknown").forSeconds,
    severity: "warning",
    area: "security",
    summary: "Nothing is known of a host's certificates.",
    description: "{{ $labels.instance }} has never told when its certificates end.",
  });
}
