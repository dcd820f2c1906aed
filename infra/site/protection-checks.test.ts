import { refuses } from "./testing.ts";

const pull = (retention: string) => ({
  id: "from-dr",
  retention,
  remote: { host: "pbs02.radioastronomy.io", datastore: "lab-backups", tokenId: "lab@pbs!sync" },
  schedule: "07:00",
});

refuses("Backups that are wrong", [
  [
    "a schedule that PVE cannot parse",
    (s) => {
      s.policies["linux-weekly"].schedule = "@weekly";
    },
    'policies.linux-weekly.schedule: "@weekly": PVE cannot parse this schedule: "@weekly" is not a calendar event: the server knows neither "@daily" nor "@12345"; write "daily" or a date and a time; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "a schedule of cron's",
    (s) => {
      s.policies["linux-weekly"].schedule = "0 6 * * 0";
    },
    'policies.linux-weekly.schedule: "0 6 * * 0": PVE cannot parse this schedule: "0 6 * * 0" is not a calendar event: it is written for cron; cron\'s "30 2 * * 6" is "sat 02:30" here; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "a schedule with a time zone, which only systemd takes",
    (s) => {
      s.policies["linux-weekly"].schedule = "sun 06:00 UTC";
    },
    'policies.linux-weekly.schedule: "sun 06:00 UTC": PVE cannot parse this schedule: "sun 06:00 UTC" is not a calendar event: the server takes no time zone; remove "UTC", times are in the server\'s own zone; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "a schedule that PBS cannot parse but PVE can",
    (s) => {
      s.retentions["critical-daily"].pruneSchedule = "*/5";
    },
    'retentions.critical-daily.pruneSchedule: "*/5": PBS cannot parse this schedule: "*/5" is not a calendar event: "*/5" is neither a date (with "-") nor a time (with ":"); Proxmox VE takes that for minutes, which are "*:00/5" here; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "a schedule that never runs",
    (s) => {
      s.retentions["critical-daily"].pruneSchedule = "*-02-30 04:00";
    },
    'retentions.critical-daily.pruneSchedule: "*-02-30 04:00": this schedule never runs; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "a schedule that runs once",
    (s) => {
      s.pbs.datastores["lab-backups"].gcSchedule = "2027-02-03 04:00";
    },
    'pbs.datastores.lab-backups.gcSchedule: "2027-02-03 04:00": this schedule runs only once; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "a schedule that ends",
    (s) => {
      s.pbs.datastores["lab-backups"].verify.schedule = "2027..2029-*-01 04:00";
    },
    'pbs.datastores.lab-backups.verify.schedule: "2027..2029-*-01 04:00": this schedule runs for the last time in 2029; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "runs that overlap",
    (s) => {
      s.policies["proj-pg01-daily"].schedule = "2:*";
    },
    'policies.proj-pg01-daily.schedule: "2:*": it starts again after 1 min (Fri 2027-01-01 02:00, Fri 2027-01-01 02:01, Fri 2027-01-01 02:02), before a run of up to 60 min has ended; allowed: runs that are further apart, or a smaller durationLimitMinutes',
  ],
  [
    "an empty schedule",
    (s) => {
      s.pbs.datastores["lab-backups"].gcSchedule = "";
    },
    'pbs.datastores.lab-backups.gcSchedule: "": PBS cannot parse this schedule: "" is not a calendar event: it is empty; every night is "02:30"; allowed: a calendar event such as 02:00, sun 03:00 or *:00/15',
  ],
  [
    "a retention of 0",
    (s) => {
      s.retentions["critical-daily"].keepDaily = 0;
    },
    "retentions.critical-daily.keepDaily: 0: it is not valid; allowed: at least 1: leave a rule out instead of keeping 0",
  ],
  [
    "a retention that keeps nothing",
    (s) => {
      s.retentions["critical-daily"] = {
        datastore: "lab-backups",
        namespace: "critical",
        pruneSchedule: "04:30",
      };
    },
    "retentions.critical-daily: missing: no rule keeps anything, which PBS reads as keeping everything until the disk is full; allowed: at least one of keepLast, keepDaily, keepWeekly, keepMonthly, keepYearly",
  ],
  [
    "two retentions in one namespace",
    (s) => {
      s.retentions["standard-weekly"].namespace = "critical";
    },
    'retentions.standard-weekly.namespace: "critical": retention critical-daily already prunes it, and the stricter of the two would win; allowed: a namespace of its own in datastore lab-backups',
  ],
  [
    "a retention in an unknown datastore",
    (s) => {
      s.retentions["critical-daily"].datastore = "elsewhere";
    },
    'retentions.critical-daily.datastore: "elsewhere": there is no such datastore; allowed: lab-backups',
  ],
  [
    "a policy with an unknown retention",
    (s) => {
      s.policies["proj-pg01-daily"].retention = "for-ever";
    },
    'policies.proj-pg01-daily.retention: "for-ever": there is no such retention; allowed: critical-daily, standard-weekly',
  ],
  [
    "prune on both products",
    (s) => {
      s.policies["linux-weekly"].pruneOnPve = true;
    },
    "policies.linux-weekly.pruneOnPve: true: it is none of the choices; allowed: false: PBS prunes, by the retention; two pruners could each delete what the other keeps",
  ],
  [
    "an unknown mode",
    (s) => {
      s.policies["linux-weekly"].mode = "live";
    },
    'policies.linux-weekly.mode: "live": it is none of the choices; allowed: snapshot, suspend, stop',
  ],
  [
    "a policy that breaks the recovery point objective",
    (s) => {
      s.guests[0].backup.policy = "linux-weekly";
    },
    'guests[0].backup.policy: "linux-weekly": its schedule sun 06:00 leaves up to 168 h between two backups (Sun 2027-01-03 06:00, Sun 2027-01-10 06:00, Sun 2027-01-17 06:00); allowed: at most 24 h between two backups for tier critical',
  ],
  [
    "another tool that runs too seldom",
    (s) => {
      s.guests.at(-1).backup.everyHours = 200;
    },
    "guests[11].backup.everyHours: 200: the recovery point objective cannot be met; allowed: at most 168 h between two backups for tier standard",
  ],
  [
    "a datastore without room for one copy of its guests",
    (s) => {
      s.pbs.datastores["lab-backups"].capacityGib = 1000;
    },
    "pbs.datastores.lab-backups.capacityGib: 1000: the disks of the 5 guests that are kept in it hold 1520 GiB, so that not even one copy of each is sure to fit; allowed: at least 1520",
  ],
  [
    "a retention whose prune job PBS could not name",
    (s) => {
      s.retentions["a-retention-with-a-very-long-name".slice(0, 32)] = {
        ...s.retentions["critical-daily"],
        namespace: "long",
      };
    },
    'retentions.a-retention-with-a-very-long-nam: "a-retention-with-a-very-long-nam": PBS takes no job id as long as prune-a-retention-with-a-very-long-nam; allowed: a name of at most 26 characters',
  ],
  [
    "a retention whose storage PVE could not name",
    (s) => {
      s.retentions["nightly-"] = { ...s.retentions["critical-daily"], namespace: "nightly" };
    },
    'retentions.nightly-: "nightly-": PVE takes no storage called pbs-nightly-; allowed: a name that ends in a letter or a digit',
  ],
  [
    "a policy that no guest could name",
    (s) => {
      s.policies.Nightly = { ...s.policies["linux-weekly"] };
    },
    'policies.Nightly: "Nightly": it is the id of a job on PVE, which no guest could name; allowed: a name of 2 to 32 lower-case letters, digits and hyphens, such as proj-pg01',
  ],
  [
    "a datastore that PBS could not name",
    (s) => {
      s.pbs.datastores.x = { ...s.pbs.datastores["lab-backups"] };
    },
    'pbs.datastores.x: "x": nothing can be called so; allowed: 3 to 32 letters, digits, dots, hyphens and underscores',
  ],
  [
    "a sync job into an unknown retention",
    (s) => {
      s.pbs.sync = [pull("elsewhere")];
    },
    'pbs.sync[0].retention: "elsewhere": there is no such retention; allowed: critical-daily, standard-weekly',
  ],
  [
    "copies among one's own backups",
    (s) => {
      s.pbs.sync = [pull("critical-daily")];
    },
    'pbs.sync[0].retention: "critical-daily": policy proj-dp01-daily backs up into the same namespace, so that copies older than its backups would be left out; allowed: a retention of its own for what is pulled',
  ],
  [
    "a sync job without a token",
    (s) => {
      const { remote, ...rest } = pull("critical-daily");
      s.pbs.sync = [{ ...rest, direction: "push", remote: { ...remote, tokenId: "root@pam" } }];
    },
    'pbs.sync[0].remote.tokenId: "root@pam": it is not valid; allowed: a token id such as dr@pbs!sync',
  ],
]);
