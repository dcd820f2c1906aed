import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { resolved } from "../../test/mocks.ts";
import { parseSite } from "../site.ts";
import { merge } from "./contribution.ts";
import { hardening } from "./hardening.ts";
import { auditRules } from "./hardening-audit.ts";

const site = parseSite(lab());
const guestNamed = (name: string) => {
  const guest = site.guests.find((candidate) => candidate.name === name);
  if (!guest) throw new Error(`no guest ${name}`);
  return guest;
};
const everyHost = merge("proj-exp01", hardening(site, guestNamed("proj-exp01")));
const fileText = async (path: string) => {
  const content = everyHost.files.find((file) => file.path === path)?.content;
  if (content === undefined) throw new Error(`no file ${path}`);
  return resolved(pulumi.output(content));
};

describe("every host", () => {
  it("takes SSH from the administrator by key only, before any file that an image brings", async () => {
    const directory = "/etc/ssh/sshd_config.d/";
    const path = `${directory}00-lab.conf`;
    // Ubuntu's and cloud-init's own.
    expect([`${directory}50-cloud-init.conf`, path, `${directory}60-cloudimg-settings.conf`].sort()[0]).toBe(
      path,
    );
    const text = await fileText(path);
    for (const line of ["PasswordAuthentication no", "PermitRootLogin no", "AllowUsers lab-admin"]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  it("upgrades itself from the security archives alone, and never PostgreSQL or the running kernel", async () => {
    const text = await fileText("/etc/apt/apt.conf.d/60lab-security-updates");
    const origins = [...text.matchAll(/"origin=(.*)"/g)].map(([, origin]) => origin);
    expect(origins).toHaveLength(2);
    expect(origins.every((origin) => origin?.includes("-security"))).toBe(true);
    expect(text).toContain('"^postgresql"');
    expect(text).toContain('Automatic-Reboot "false"');
    expect(text.indexOf("#clear Unattended-Upgrade::Allowed-Origins;")).toBe(0);
  });

  it("has every change validated that could lock its administrators out", () => {
    const validated = everyHost.files
      .filter(({ validate }) => validate !== undefined)
      .map(({ path }) => path);
    expect(validated).toEqual(["/etc/ssh/sshd_config.d/00-lab.conf"]);
  });
});

describe("the audit rules", () => {
  const rulesOf = (name: string) => auditRules(site, guestNamed(name)).trimEnd().split("\n");

  it.each(["proj-pg01", "proj-pg02", "proj-mon01"])("are in auditctl's words on %s", (name) => {
    const watch = /^-w \/\S+ -p (wa|x) -k [a-z-]+$/;
    const call = /^-a always,exit -F arch=b64 -S [a-z_,]+( -F [a-z]+(=|>=|!=)[a-z0-9]+)* -k [a-z-]+$/;
    for (const rule of rulesOf(name)) expect(rule).toMatch(rule.startsWith("-w") ? watch : call);
  });

  it("watch the backups where they are made, and the database's programs where it runs", () => {
    const keys = (name: string) => new Set(rulesOf(name).map((rule) => rule.split(" -k ")[1]));
    expect(keys("proj-pg01")).toContain("backup-files");
    expect(keys("proj-pg02")).toContain("backup-restore-maintenance");
    expect(keys("proj-pg02")).not.toContain("backup-files");
    expect(keys("proj-mon01")).not.toContain("backup-restore-maintenance");
  });
});
