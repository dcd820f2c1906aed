import { refuses } from "./testing.ts";

refuses("An archive that is wrong", [
  [
    "a Glacier retention under the minimum",
    (s) => {
      s.archive.buckets.dumps.retentionDays = 60;
    },
    "archive.buckets.dumps.retentionDays: 60: GLACIER is billed for at least 90 days after the transition at day 30; allowed: at least 120",
  ],
  [
    "a lock that outlasts the retention",
    (s) => {
      s.archive.buckets.dumps.lockDays = 400;
    },
    "archive.logs.retentionDays: 365: versions are locked for up to 400 days, and the log of who tried to delete them would be gone before; allowed: at least 400",
    "archive.buckets.dumps.lockDays: 400: the lock outlasts the retention, so that expiry would be refused; allowed: at most 365",
  ],
  [
    "an unknown storage class",
    (s) => {
      s.archive.buckets.dumps.storageClass = "GLACIER_IA";
    },
    'archive.buckets.dumps.storageClass: "GLACIER_IA": it is none of the choices; allowed: STANDARD_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE',
  ],
  [
    "a transition that S3 refuses",
    (s) => {
      Object.assign(s.archive.buckets.dumps, { storageClass: "STANDARD_IA", transitionAfterDays: 10 });
    },
    "archive.buckets.dumps.transitionAfterDays: 10: S3 refuses a transition to STANDARD_IA before day 30; allowed: at least 30",
  ],
  [
    "a lock of no day",
    (s) => {
      s.archive.buckets.dumps.lockDays = 0;
    },
    "archive.buckets.dumps.lockDays: 0: it is not valid; allowed: a whole number, at least 1",
  ],
  [
    "a bucket with capitals",
    (s) => {
      s.archive.buckets.dumps.name = "Radioastronomy";
    },
    'archive.buckets.dumps.name: "Radioastronomy": it is not valid; allowed: an S3 bucket name: 3 to 63 lower-case letters, digits and hyphens',
  ],
  [
    "two buckets with one name",
    (s) => {
      s.archive.buckets.images.name = "radioastronomy-lab-dumps";
    },
    'archive.buckets.images.name: "radioastronomy-lab-dumps": bucket dumps is called so already; allowed: a name of its own',
  ],
  [
    "a writer that is named twice",
    (s) => {
      s.archive.buckets.dumps.writers = ["proj-pg01", "proj-pg01"];
    },
    'archive.buckets.dumps.writers[1]: "proj-pg01": it is a writer already; allowed: each writer once',
  ],
  [
    "no writer",
    (s) => {
      s.archive.buckets.dumps.writers = [];
    },
    "archive.buckets.dumps.writers: []: it is not valid; allowed: at least one writer",
  ],
  [
    "a region that is none",
    (s) => {
      s.archive.region = "Frankfurt";
    },
    'archive.region: "Frankfurt": it is not valid; allowed: an AWS region such as eu-central-1',
  ],
  [
    "a copy in the region of the original",
    (s) => {
      s.archive.buckets.dumps.replicateTo = { region: "eu-central-1", name: "radioastronomy-copy" };
    },
    'archive.buckets.dumps.replicateTo.region: "eu-central-1": the copy would be lost together with the original; allowed: a region other than eu-central-1',
  ],
  [
    "a copy without a region",
    (s) => {
      s.archive.buckets.dumps.replicateTo = { name: "radioastronomy-copy" };
    },
    "archive.buckets.dumps.replicateTo.region: missing: it is required; allowed: a value of type string",
  ],
  [
    "a copy into the original",
    (s) => {
      s.archive.buckets.images.replicateTo = { region: "eu-west-1", name: "radioastronomy-lab-images" };
    },
    'archive.buckets.images.replicateTo.name: "radioastronomy-lab-images": bucket images is called so already; allowed: a name of its own',
  ],
  [
    "two copies in one bucket",
    (s) => {
      const replicateTo = { region: "eu-west-1", name: "radioastronomy-copy" };
      Object.assign(s.archive.buckets.dumps, { replicateTo });
      Object.assign(s.archive.buckets.images, { replicateTo });
    },
    'archive.buckets.images.replicateTo.name: "radioastronomy-copy": the copy of bucket dumps is called so already; allowed: a name of its own',
  ],
  [
    "logs in a bucket of the archive, which is locked",
    (s) => {
      s.archive.logs.name = "radioastronomy-lab-images";
    },
    'archive.logs.name: "radioastronomy-lab-images": bucket images is called so already; allowed: a name of its own',
  ],
  [
    "logs that go before the locks",
    (s) => {
      s.archive.logs.retentionDays = 89;
    },
    "archive.logs.retentionDays: 89: versions are locked for up to 90 days, and the log of who tried to delete them would be gone before; allowed: at least 90",
  ],
  [
    "no bucket for logs",
    (s) => {
      delete s.archive.logs;
    },
    "archive.logs: missing: it is required; allowed: a value of type object",
  ],
  [
    "notices that anybody on their way can read",
    (s) => {
      s.archive.restoreNotices = { webhooks: ["http://chat.radioastronomy.io/restores"] };
    },
    'archive.restoreNotices.webhooks[0]: "http://chat.radioastronomy.io/restores": it is not valid; allowed: an https:// address: notices name what is archived',
  ],
  [
    "notices to somebody without an address",
    (s) => {
      s.archive.restoreNotices = { emails: ["admin"] };
    },
    'archive.restoreNotices.emails[0]: "admin": it is not valid; allowed: an e-mail address',
  ],
  [
    "a missing bucket",
    (s) => {
      delete s.archive.buckets.images;
    },
    "archive.buckets.images: missing: it is required; allowed: a value of type object",
  ],
]);
