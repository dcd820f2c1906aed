import { refuses } from "./testing.ts";

refuses("Certificates that are wrong", [
  [
    "renewed with every update",
    (s) => {
      s.certificates = { validityDays: 30, renewBeforeDays: 30 };
    },
    "certificates.renewBeforeDays: 30: it is not valid; allowed: fewer days than validityDays, or every update would renew",
  ],
  [
    "longer than browsers accept",
    (s) => {
      s.certificates = { validityDays: 400 };
    },
    "certificates.validityDays: 400: it is not valid; allowed: at most 398, what browsers accept",
  ],
  [
    "the signing authority trusted twice",
    (s) => {
      s.certificates = { authority: "ca2", alsoTrusted: ["ca2"] };
    },
    'certificates.alsoTrusted: ["ca2"]: it is not valid; allowed: each authority once, and not the one that signs',
  ],
]);
