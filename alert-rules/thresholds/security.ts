import type { Figure } from "../limit.ts";

const day = 86_400;

export const securityFigures = {
  failedLogins: {
    value: 10,
    unit: "perMinute",
    forSeconds: 60,
    meaning: "logins that a server has refused",
    source: "M3 of the requirements",
  },
  watchedChanges: {
    value: 0,
    unit: "count",
    forSeconds: 0,
    meaning: "looks in the last hour at which superusers, pg_hba rules or settings had changed",
    source: "M1 of the requirements, security: each is to be seen by a second person",
  },
  brokenFiles: {
    value: 0,
    unit: "count",
    forSeconds: 300,
    meaning: "lines of the server's files that it cannot read",
    source: "longer than it takes to write both files",
  },
  foreignSettings: {
    value: 0,
    unit: "count",
    forSeconds: 3600,
    meaning: "settings that do not come from the delivered files",
    source: "an hour for a measure in an emergency; what stays belongs into the site",
  },
  pendingRestart: {
    value: 0,
    unit: "count",
    forSeconds: 14_400,
    meaning: "settings that have changed and wait for a restart",
    source: "half a working day to restart in a quiet moment",
  },
  certificateRenewal: {
    value: 27 * day,
    unit: "seconds",
    forSeconds: 3600,
    meaning: "rest of a certificate's life when it should have been renewed",
    source: "nine tenths of the site's renewBeforeDays: it was due for three days of thirty",
  },
  certificateExpiry: {
    value: 21 * day,
    unit: "seconds",
    forSeconds: 300,
    meaning: "rest of a certificate's life",
    source: "three weeks to run `pulumi up`; less where the site renews later",
  },
  certificateExpiryCritical: {
    value: 7 * day,
    unit: "seconds",
    forSeconds: 300,
    meaning: "rest of a certificate's life",
    source: "a week, with one weekend in it; less where the site renews later",
  },
  certificateServed: {
    value: 0,
    unit: "count",
    forSeconds: 5400,
    meaning: "whether a service shows the certificate that was delivered",
    source: "hosts look every hour, perhaps just between a renewal and its reload",
  },
  authorityExpiry: {
    value: 365 * day,
    unit: "seconds",
    forSeconds: 3600,
    meaning: "rest of the certificate authority's life",
    source: "it renews itself two years before its end",
  },
  authorityExpiryCritical: {
    value: 90 * day,
    unit: "seconds",
    forSeconds: 3600,
    meaning: "rest of the certificate authority's life",
    source: "all that it has signed ends with it: every host has to be delivered to until then",
  },
  certificatesChecked: {
    value: 6 * 3600,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since a host has looked at its certificates",
    source: "it should every hour; six looks were left out",
  },
  certificatesUnknown: {
    value: 1,
    unit: "count",
    forSeconds: 3600,
    meaning: "whether a host has ever told of its certificates",
    source: "a new host needs the time of its first delivery",
  },
} as const satisfies Readonly<Record<string, Figure>>;
