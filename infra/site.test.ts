import fc from "fast-check";
import { describe, expect, it } from "vitest";
import dr from "../stacks/dr.ts";
import lab from "../stacks/lab.ts";
import rehearsal from "../stacks/rehearsal.ts";
import { machineExample } from "../test/machine.ts";
import { SiteError } from "./site/problems.ts";
import { parseSite } from "./site.ts";

type Edit = (site: ReturnType<typeof editable>) => void;

// biome-ignore lint/suspicious/noExplicitAny: the point of these tests is to break the typed site in any way
const editable = (): any => structuredClone(lab());

function problemsOf(edit: Edit): string[] {
  const site = editable();
  edit(site);
  try {
    parseSite(site);
    return [];
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    return error.message
      .split("\n")
      .slice(1)
      .map((line) => line.trim());
  }
}

describe("the stacks", () => {
  it.each([
    ["lab", () => lab()],
    ["dr", () => dr()],
    ["rehearsal", () => rehearsal(machineExample)],
  ])("%s is a valid site", (_, site) => {
    expect(() => parseSite(site())).not.toThrow();
  });

  it("the lab has the seven nodes and the guests of S1 and S2", () => {
    const site = parseSite(lab());
    expect(site.proxmox.nodes).toHaveLength(7);
    expect(site.guests.find((guest) => guest.name === "proj-pg01")?.id).toBe(2002);
    expect(site.guests.find((guest) => guest.name === "proj-dp01")?.id).toBe(2001);
    expect(site.monitoring.host).toBe("proj-mon01");
  });

  it("the lab has every figure of B1 to B4", () => {
    const site = parseSite(lab());
    expect(site.policies["proj-pg01-daily"]?.schedule).toBe("02:00");
    expect(site.policies["proj-dp01-daily"]?.schedule).toBe("01:00");
    expect(site.retentions["critical-daily"]).toMatchObject({ keepDaily: 7, keepWeekly: 4, keepMonthly: 1 });
    expect(site.retentions["standard-weekly"]).toMatchObject({ keepWeekly: 4, keepMonthly: 1 });
    expect(site.archive.buckets.dumps).toMatchObject({ storageClass: "GLACIER", retentionDays: 365 });
    expect(site.archive.buckets.configuration).toMatchObject({ transitionAfterDays: 30, retentionDays: 365 });
    expect(site.databases.postgres[0]?.dump.keepDays).toBe(30);
  });

  it("the recovery site shares no address with the lab", () => {
    const addresses = new Set(lab().guests.map((guest) => guest.address));
    expect(dr().guests.filter((guest) => addresses.has(guest.address))).toEqual([]);
  });
});

it("takes every binary from the mirror where there is one, with the vendor's digest", () => {
  const own = parseSite(lab()).binaries;
  const { binaries } = parseSite({
    ...lab(),
    binaries: { ...lab().binaries, mirror: "https://mirror.example.org/lab/" },
  });
  expect(binaries.prometheus).toEqual({
    ...own.prometheus,
    url: "https://mirror.example.org/lab/prometheus-3.14.0.linux-amd64.tar.gz",
  });
  expect(Object.values(binaries).every(({ url }) => url.startsWith("https://mirror.example.org/lab/"))).toBe(
    true,
  );
});

describe("a wrong site", () => {
  it.each<[string, Edit, RegExp]>([
    [
      "two guests with one id",
      (s) => {
        s.guests[1].id = 2001;
      },
      /^guests\[1\]\.id: 2001: VMID 2001 is used twice; allowed: a value of its own$/,
    ],
    [
      "two guests with one address",
      (s) => {
        s.guests[1].address = s.guests[0].address;
      },
      /^guests\[1\]\.address: "10\.16\.207\.51": .* is given to two guests/,
    ],
    [
      "an address outside its network",
      (s) => {
        s.guests[0].address = "10.99.0.5";
      },
      /^guests\[0\]\.address: "10\.99\.0\.5": it lies outside network lab; allowed: a host address in 10\.16\.207\.0\/24$/,
    ],
    [
      "the broadcast address",
      (s) => {
        s.guests[0].address = "10.16.207.255";
      },
      /it lies outside network lab/,
    ],
    [
      "the gateway's address",
      (s) => {
        s.guests[0].address = "10.16.207.1";
      },
      /it is the gateway of network lab/,
    ],
    [
      "text that is no address",
      (s) => {
        s.guests[0].address = "10.16.207.300";
      },
      /^guests\[0\]\.address: "10\.16\.207\.300": it is not valid; allowed: an IPv4 address such as/,
    ],
    [
      "an unknown node",
      (s) => {
        s.guests[0].node = "node09";
      },
      /^guests\[0\]\.node: "node09": there is no such node; allowed: node01, node02, /,
    ],
    [
      "an SSH source with host bits set",
      (s) => {
        s.access = { sshFrom: ["10.16.207.5/24"] };
      },
      /^access\.sshFrom\[0\]: "10\.16\.207\.5\/24": it is not valid; allowed: an IPv4 address such as/,
    ],
    [
      "guests that SSH reaches from nowhere",
      (s) => {
        s.access = { sshFrom: [] };
      },
      /^access\.sshFrom: .*nobody, Pulumi included, could reach the guests/,
    ],
    [
      "a client network that is a name",
      (s) => {
        s.databases.postgres[0].clientsFrom = ["kubernetes"];
      },
      /^databases\.postgres\[0\]\.clientsFrom\[0\]: "kubernetes": it is not valid/,
    ],
    [
      "a web source that is no address",
      (s) => {
        s.monitoring.webFrom = ["10.16.207.0/33"];
      },
      /^monitoring\.webFrom\[0\]: "10\.16\.207\.0\/33": it is not valid/,
    ],
    [
      "an unknown policy",
      (s) => {
        s.guests[0].backup.policy = "hourly";
      },
      /^guests\[0\]\.backup\.policy: "hourly": there is no such policy; allowed: proj-dp01-daily, /,
    ],
    [
      "a schedule PVE cannot parse",
      (s) => {
        s.policies["linux-weekly"].schedule = "@weekly";
      },
      /^policies\.linux-weekly\.schedule: "@weekly": PVE cannot parse/,
    ],
    [
      "a schedule PBS cannot parse but PVE can",
      (s) => {
        s.retentions["critical-daily"].pruneSchedule = "*/5";
      },
      /^retentions\.critical-daily\.pruneSchedule: "\*\/5": PBS cannot parse/,
    ],
    [
      "a retention of 0",
      (s) => {
        s.retentions["critical-daily"].keepDaily = 0;
      },
      /^retentions\.critical-daily\.keepDaily: 0: it is not valid; allowed: at least 1/,
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
      /^retentions\.critical-daily: missing: no rule keeps anything/,
    ],
    [
      "prune on both products",
      (s) => {
        s.policies["linux-weekly"].pruneOnPve = true;
      },
      /^policies\.linux-weekly\.pruneOnPve: true: .*PBS prunes/,
    ],
    [
      "two retentions in one namespace",
      (s) => {
        s.retentions["standard-weekly"].namespace = "critical";
      },
      /^retentions\.standard-weekly\.namespace: "critical": retention critical-daily already prunes it/,
    ],
    [
      "a Glacier retention under the minimum",
      (s) => {
        s.archive.buckets.dumps.retentionDays = 60;
      },
      /^archive\.buckets\.dumps\.retentionDays: 60: GLACIER is billed for at least 90 days .* allowed: at least 120$/,
    ],
    [
      "a lock that outlasts the retention",
      (s) => {
        s.archive.buckets.dumps.lockDays = 400;
      },
      /^archive\.buckets\.dumps\.lockDays: 400: the lock outlasts/,
    ],
    [
      "a policy that breaks the recovery point objective",
      (s) => {
        s.guests[0].backup.policy = "linux-weekly";
      },
      /^guests\[0\]\.backup\.policy: "linux-weekly": its schedule sun 06:00 leaves up to 168 h .* at most 24 h/,
    ],
    [
      "another tool that runs too seldom",
      (s) => {
        s.guests.at(-1).backup.everyHours = 200;
      },
      /^guests\[11\]\.backup\.everyHours: 200: the recovery point objective cannot be met/,
    ],
    [
      "a managed guest without an image",
      (s) => {
        delete s.guests[0].image;
      },
      /^guests\[0\]\.image: missing: a managed guest is made from an image; allowed: ubuntu-2404, or managed: false/,
    ],
    [
      "an image without a digest",
      (s) => {
        delete s.images["ubuntu-2404"].sha256;
      },
      /^images\.ubuntu-2404\.sha256: missing: it is required/,
    ],
    [
      "a misspelt property",
      (s) => {
        s.guests[0].memory = 5;
      },
      /^guests\[0\]: \["memory"\]: there are no such properties/,
    ],
    [
      "an unknown section",
      (s) => {
        s.guest = [];
      },
      /^guest: \[\]: there is no such section; allowed: name, domain, /,
    ],
    [
      "a missing section",
      (s) => {
        delete s.pbs;
      },
      /^pbs: missing: it is required/,
    ],
    [
      "a standby that is the primary",
      (s) => {
        s.databases.postgres[0].standbys = ["proj-pg01"];
      },
      /^databases\.postgres\[0\]\.standbys\[0\]: "proj-pg01": it is in the cluster already/,
    ],
    [
      "a database on a guest that the program does not make",
      (s) => {
        s.databases.postgres[0].standbys = ["proj-my01"];
      },
      /^databases\.postgres\[0\]\.standbys\[0\]: "proj-my01": software is delivered to it, but/,
    ],
    [
      "no channel",
      (s) => {
        s.monitoring.channels = [];
      },
      /^monitoring\.channels: \[\]: it is not valid; allowed: at least one channel/,
    ],
    [
      "an unknown storage class",
      (s) => {
        s.archive.buckets.dumps.storageClass = "GLACIER_IA";
      },
      /^archive\.buckets\.dumps\.storageClass: "GLACIER_IA": it is none of the choices; allowed: STANDARD_IA, GLACIER_IR, GLACIER, DEEP_ARCHIVE$/,
    ],
    [
      "networks that overlap",
      (s) => {
        s.networks.other = { cidr: "10.16.0.0/16", bridge: "vmbr1" };
      },
      /^networks\.other\.cidr: "10\.16\.0\.0\/16": it overlaps network lab/,
    ],
    [
      "a guest without a backup decision",
      (s) => {
        delete s.guests[0].backup;
      },
      /^guests\[0\]\.backup: missing: /,
    ],
  ])("%s is refused with path, value, reason and what is allowed", (_, edit, expected) => {
    const problems = problemsOf(edit);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(expected);
  });

  it("shows all problems at once, across sections and across values", () => {
    const problems = problemsOf((site) => {
      site.domain = "not a domain";
      site.guests[1].id = 2001;
      site.archive.buckets.images.lockDays = 0;
    });
    expect(problems.map((line) => line.split(":")[0])).toEqual([
      "domain",
      "archive.buckets.images.lockDays",
      "guests[1].id",
    ]);
  });

  it("is always refused with a list of problems, whatever it is", () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        expect(() => parseSite(anything)).toThrow(SiteError);
      }),
    );
  });
});
