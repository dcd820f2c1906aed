import { describe, expect, it } from "vitest";
import { movePlan, planSchema, restoreLine } from "./plan.ts";

const root = "/somewhere/guests/2002/root";
const account = { user: "me", group: "us" };
const plan = planSchema.parse({
  name: "lab",
  id: "lab/1",
  stateFolder: "/var/lib/lab-delivery",
  unitFolder: "/etc/systemd/system",
  settleSeconds: 2,
  packages: ["nftables"],
  users: [{ name: "prometheus" }],
  directories: [{ path: "/etc/prometheus", owner: "root", group: "root", mode: "0755" }],
  files: [
    {
      path: "/etc/prometheus/a.yml",
      owner: "prometheus",
      group: "prometheus",
      mode: "0600",
      validate: ["promtool", "%s"],
    },
  ],
});

describe("a plan for a recorded guest", () => {
  it("has every place in the folder, one owner, and nothing to be done to this machine", () => {
    expect(movePlan(plan, root, account)).toEqual({
      ...plan,
      stateFolder: `${root}/var/lib/lab-delivery`,
      unitFolder: `${root}/etc/systemd/system`,
      settleSeconds: 0,
      packages: [],
      users: [],
      directories: [{ path: `${root}/etc/prometheus`, owner: "me", group: "us", mode: "0755" }],
      files: [{ path: `${root}/etc/prometheus/a.yml`, owner: "me", group: "us", mode: "0600" }],
    });
  });

  it("refuses a name that would lead out of the folder", () => {
    expect(() => planSchema.parse({ ...plan, name: "../lab" })).toThrow("a delivery's name");
  });
});

describe("what a recorded guest answers", () => {
  const restored = (event: object) => JSON.parse(restoreLine(JSON.stringify(event), plan, root, account));

  it("names paths as on the host, in errors too", () => {
    expect(restored({ event: "done", installed: { [`${root}/etc/prometheus/a.yml`]: "ab" } })).toEqual({
      event: "done",
      installed: { "/etc/prometheus/a.yml": "ab" },
    });
    expect(restored({ event: "failed", message: `no room at ${root}/etc`, lines: [] })).toMatchObject({
      message: "no room at /etc",
    });
  });

  it("gives the planned owners for its own account, and shows any other", () => {
    const facts = (owner: string) => ({
      event: "facts",
      exists: true,
      files: { [`${root}/etc/prometheus/a.yml`]: { kind: "file", owner, group: "us", mode: "0600" } },
      directories: {},
      packages: [],
      users: [],
      units: {},
      recorded: {},
    });
    expect(restored(facts("me"))).toMatchObject({
      files: { "/etc/prometheus/a.yml": { owner: "prometheus", group: "prometheus" } },
      users: ["prometheus"],
      packages: ["nftables"],
    });
    expect(restored(facts("other"))).toMatchObject({
      files: { "/etc/prometheus/a.yml": { owner: "other" } },
    });
  });
});
