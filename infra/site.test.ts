import fc from "fast-check";
import { describe, expect, it } from "vitest";
import dr from "../stacks/dr.ts";
import lab from "../stacks/lab.ts";
import rehearsal from "../stacks/rehearsal.ts";
import { machineExample } from "../test/machine.ts";
import { SiteError } from "./site/problems.ts";
import { type Broken, problemsOf } from "./site/testing.ts";
import { parseSite } from "./site.ts";

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
  it("shows all problems at once, across sections and across values", () => {
    const site: Broken = structuredClone(lab());
    site.domain = "not a domain";
    site.guests[1].id = 2001;
    site.archive.buckets.images.lockDays = 0;
    expect(problemsOf(site).map((line) => line.split(":")[0])).toEqual([
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
