import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup, selector } from "./rule.ts";

const daySeconds = 86_400;

/**
 * Certificates that near their end, read from the files on the hosts. `pulumi up` renews them; so each of these says
 * that it was not run, or that it did not reach a host or its service.
 */
export function certificates({ hosts, certificateRenewBeforeDays }: Lab): RuleGroup {
  const renewal = certificateRenewBeforeDays;
  return {
    name: "certificates",
    rules: [
      renewalMissed(renewal * 0.9),
      // A week of a month's window, and three: less where a site renews later.
      expires(Math.min(21, renewal * 0.7), "warning"),
      expires(Math.min(7, renewal * 0.25), "critical"),
      notServed,
      // The authority renews itself two years before its end.
      authorityExpires(365, "warning"),
      authorityExpires(90, "critical"),
      unwatched,
      ...hosts.map(unknown),
    ],
  };
}

function renewalMissed(days: number): Alert {
  return alert({
    name: "CertificateRenewalMissed",
    expression: `lab_certificate_not_after_timestamp_seconds - time() < ${Math.round(days * daySeconds)}`,
    forSeconds: 3600,
    severity: "warning",
    area: "security",
    summary: "A certificate was not renewed when it was due.",
    description:
      "The certificate of {{ $labels.service }} on {{ $labels.instance }} has been due for days and ends in {{ $value | humanizeDuration }}: run `pulumi up`.",
  });
}

function expires(days: number, severity: Alert["severity"]): Alert {
  return alert({
    name: "CertificateExpiresSoon",
    expression: `lab_certificate_not_after_timestamp_seconds - time() < ${Math.round(days * daySeconds)}`,
    forSeconds: 300,
    severity,
    area: "security",
    summary: "A certificate ends soon.",
    description:
      "The certificate of {{ $labels.service }} on {{ $labels.instance }} ends in {{ $value | humanizeDuration }}; then nobody accepts it any more. Run `pulumi up`.",
  });
}

const notServed = alert({
  name: "CertificateNotServed",
  expression: "lab_certificate_is_served == 0",
  // Hosts look every hour, perhaps just between a renewal and its reload.
  forSeconds: 5400,
  severity: "warning",
  area: "security",
  summary: "A service shows an old certificate.",
  description:
    "{{ $labels.service }} on {{ $labels.instance }} does not show the certificate that was delivered to it: reload or restart it before the old one ends.",
});

function authorityExpires(days: number, severity: Alert["severity"]): Alert {
  return alert({
    name: "AuthorityExpiresSoon",
    expression: `lab_authority_not_after_timestamp_seconds - time() < ${days * daySeconds}`,
    forSeconds: 3600,
    severity,
    area: "security",
    summary: "The certificate authority ends soon.",
    description:
      "{{ $labels.authority }}, which {{ $labels.instance }} trusts, ends in {{ $value | humanizeDuration }}, and everything that it has signed with it. `pulumi up` signs it again.",
  });
}

const unwatched = alert({
  name: "CertificatesUnwatched",
  expression: "time() - lab_certificates_checked_timestamp_seconds > 21600",
  forSeconds: 300,
  severity: "warning",
  area: "security",
  summary: "A host has stopped to look at its certificates.",
  description:
    "{{ $labels.instance }} has last looked at its certificates {{ $value | humanizeDuration }} ago; it should every hour.",
});

function unknown(instance: string): Alert {
  return alert({
    name: "CertificatesUnknown",
    expression: `absent(${selector("lab_certificates_checked_timestamp_seconds", { job: "node", instance })})`,
    // A new host needs the time of its first delivery.
    forSeconds: 3600,
    severity: "warning",
    area: "security",
    summary: "Nothing is known of a host's certificates.",
    description: "{{ $labels.instance }} has never told when its certificates end.",
  });
}
