import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AlertmanagerApi } from "../../cli/alerts/api.ts";
import { acknowledge, expireSilences, listSilences, silence } from "../../cli/alerts/silences.ts";
import { waitFor } from "../../rehearsal/lib/wait.ts";
import type { Message } from "../../rehearsal/sinks/store.ts";
import { findTool } from "../../tools/find.ts";
import { openWorld, type TestAlert, type World } from "./world.ts";

const alertmanager = await findTool("alertmanager");
if (!alertmanager) console.warn("skipped: Alertmanager is needed; `./lab test` installs it");

const escalationSeconds = 4;
const always = [{ times: [{ startTime: "00:00", endTime: "24:00" }] }];
/** A month that is not this one, nor one that begins while the test runs. */
const anotherMonth = new Intl.DateTimeFormat("en", { month: "long", timeZone: "UTC" })
  .format(new Date(Date.UTC(2026, new Date().getUTCMonth() + 6, 1)))
  .toLowerCase();

let world: World;
beforeAll(async () => {
  if (!alertmanager) return;
  world = await openWorld(alertmanager.path, (monitoring) => ({
    ...monitoring,
    grouping: { waitSeconds: 1, intervalSeconds: 1 },
    heartbeat: { ...monitoring.heartbeat, intervalSeconds: 10 },
    timeIntervals: { always, never: [{ months: [anotherMonth] }] },
    maintenanceWindows: [
      { timeIntervals: ["always"], hosts: ["proj-pg02"] },
      { timeIntervals: ["never"], hosts: ["proj-pg02", "proj-pg01"] },
    ],
    channels: monitoring.channels.map((channel) =>
      channel.name === "second-on-call" ? { ...channel, escalationMinutes: escalationSeconds / 60 } : channel,
    ),
  }));
}, 60_000);
afterAll(() => world?.close());

const critical = (
  alertname: string,
  instance: string,
  more: Readonly<Record<string, string>> = {},
): TestAlert => ({
  labels: { alertname, instance, severity: "critical", area: "availability", ...more },
  annotations: { summary: `${alertname} is in a test.` },
});
const warning = (alertname: string, instance: string, more: Readonly<Record<string, string>> = {}) =>
  critical(alertname, instance, { severity: "warning", ...more });

/** Whether a message of the channel `chat`, which gets everything, holds this state of an alert. */
const tells = (
  name: string,
  instance: string,
  status = "firing",
  more: Readonly<Record<string, string>> = {},
) => {
  const wanted = { alertname: name, instance, ...more };
  return ({ path, text }: Message) =>
    path === "/alerts" &&
    (JSON.parse(text) as { alerts: { status: string; labels: Record<string, string> }[] }).alerts.some(
      (alert) =>
        alert.status === status &&
        Object.entries(wanted).every(([label, value]) => alert.labels[label] === value),
    );
};
/** Whether it is an event of PagerDuty's for the next level. */
const escalates =
  (name: string, action = "trigger") =>
  ({ path, text }: Message) =>
    path === "/pagerduty" &&
    text.includes("planted-pagerduty-key-second-on-call") &&
    text.includes(`"event_action":"${action}"`) &&
    text.includes(name);

const isMailTo =
  (address: string, subject: string) =>
  ({ to, headers }: Message) =>
    to.includes(address) && headers.subject === subject;

const wasTold = async (condition: (message: Message) => boolean) => (await world.messages()).some(condition);
const quiet = { json: true, out: { write: () => true } };
const author = { by: "night", comment: "restarting it", seconds: 600 };

describe.skipIf(!alertmanager).concurrent("a real Alertmanager with the site's configuration", () => {
  it("says nothing of what runs on a host that is down, but of everything else", async () => {
    await world.send(
      critical("HostDown", "h1"),
      critical("PostgresDown", "h1"),
      warning("DatastoreFillsUp", "h1", { datastore: "d" }),
      critical("PostgresDown", "h2"),
    );
    await world.message("the host to be told", tells("HostDown", "h1"));
    await world.message("the other host's database to be told", tells("PostgresDown", "h2"));
    // What was sent later, and yet is told, shows that the others had their chance.
    await world.send(critical("MarkOfHostDown", "h3"));
    await world.message("the mark", tells("MarkOfHostDown", "h3"));
    expect(await wasTold(tells("PostgresDown", "h1"))).toBe(false);
    expect(await wasTold(tells("DatastoreFillsUp", "h1"))).toBe(false);
    // It was not forgotten, either.
    await world.send({ ...critical("HostDown", "h1"), resolved: true });
    await world.message("what is still down to be told", tells("PostgresDown", "h1"));
  });

  it("says nothing of a warning that has become critical, but of the same of another database", async () => {
    const lag = (database: string) => ({ cluster: "pg01", database });
    await world.send(
      critical("Growth", "g1", lag("a")),
      warning("Growth", "g1", lag("a")),
      warning("Growth", "g1", lag("b")),
      warning("Growth", "g2", lag("a")),
    );
    const told = (instance: string, database: string, severity: string) =>
      tells("Growth", instance, "firing", { database, severity });
    await world.message("the critical one", told("g1", "a", "critical"));
    await world.message("the other database", told("g1", "b", "warning"));
    await world.message("the other host", told("g2", "a", "warning"));
    expect(await wasTold(told("g1", "a", "warning"))).toBe(false);
  });

  it("says nothing of what a stopped server entails, but of what may have stopped it", async () => {
    await world.send(
      critical("PostgresDown", "p1"),
      warning("PostgresCacheHitRatioLow", "p1", { area: "performance" }),
      warning("PostgresChecksumFailures", "p1", { area: "integrity" }),
      critical("HostDiskFull", "p1", { area: "capacity" }),
      warning("PostgresCacheHitRatioLow", "p2", { area: "performance" }),
      warning("PostgresExporterDown", "p3"),
      warning("PostgresReplicationUnknown", "p3", { area: "replication" }),
      critical("ClusterWithoutPrimary", "", { area: "replication", cluster: "c1" }),
      critical("PostgresRoleUnexpected", "p4", { cluster: "c1" }),
      critical("PostgresRoleUnexpected", "p5", { cluster: "c2" }),
    );
    await world.message("a cause", tells("PostgresChecksumFailures", "p1"));
    await world.message("another cause", tells("HostDiskFull", "p1"));
    await world.message("another server", tells("PostgresCacheHitRatioLow", "p2"));
    await world.message("the exporter", tells("PostgresExporterDown", "p3"));
    expect(await wasTold(tells("PostgresCacheHitRatioLow", "p1"))).toBe(false);
    expect(await wasTold(tells("PostgresReplicationUnknown", "p3"))).toBe(false);
    await world.message("a role of another cluster", tells("PostgresRoleUnexpected", "p5"));
    expect(await wasTold(tells("PostgresRoleUnexpected", "p4"))).toBe(false);
  });

  it("calls the next level for what nobody acknowledges or resolves in time, and for nothing else", async () => {
    const begin = Date.now();
    await world.send(critical("Ignored", "e1"), critical("Taken", "e1"), critical("Healed", "e1"));
    await world.message("the first level", tells("Taken", "e1"));
    await acknowledge(world.api, { alert: "Taken", instance: "e1" }, author, quiet);
    await world.send({ ...critical("Healed", "e1"), resolved: true });
    const called = await world.message("the next level", escalates("Ignored"));
    expect(Date.parse(called.receivedAt) - begin).toBeGreaterThanOrEqual(escalationSeconds * 1000);
    expect(JSON.parse(called.text)).toMatchObject({
      payload: {
        summary: expect.stringContaining(`[not acknowledged for`),
        component: "e1",
        class: "Ignored",
      },
    });
    // Sent after the acknowledgement and waited for as long: whatever the others had coming would have come.
    await world.send(critical("IgnoredToo", "e1"));
    await world.message("the next level again", escalates("IgnoredToo"));
    expect(await wasTold(escalates("Taken"))).toBe(false);
    expect(await wasTold(escalates("Healed"))).toBe(false);
    await world.send({ ...critical("Ignored", "e1"), resolved: true });
    await world.message("the next level to hear the end", escalates("Ignored", "resolve"));
  });

  it("tells every channel when an alert is over", async () => {
    await world.send(critical("Passing", "r1"));
    await world.message("the alert", tells("Passing", "r1"));
    await world.send({ ...critical("Passing", "r1"), resolved: true });
    await world.message("its end", tells("Passing", "r1", "resolved"));
    await world.message(
      "its end by mail",
      isMailTo("admin@radioastronomy.io", "[rehearsal] RESOLVED Passing r1"),
    );
    await world.message(
      "its end at Slack",
      ({ path, text }) => path === "/slack" && text.includes("RESOLVED Passing r1"),
    );
  });

  it("writes mails that say what, where, since when, against what and what to do", async () => {
    const { labels } = critical("DatastoreFull", "m1", {
      area: "capacity",
      datastore: "lab-backups",
      job: "node",
    });
    await world.send({
      labels,
      annotations: {
        summary: "A datastore is nearly full.",
        description: "Datastore lab-backups on m1 is 91 % full & still <growing>.",
        value: "91 %",
        threshold: "above 85 %",
        runbook_url: "https://example.org/runbooks/DatastoreFull.md",
        dashboard_url: "https://example.org/d/backups",
      },
    });
    const subject = "[rehearsal] CRITICAL DatastoreFull m1";
    const mail = await world.message("the mail", isMailTo("dba@radioastronomy.io", subject));
    await world.message("the administrators' mail", isMailTo("admin@radioastronomy.io", subject));
    expect(
      mail.text.trimEnd().replace(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/, "TIME"),
    ).toBe(`CRITICAL: A datastore is nearly full.

  Where      m1, datastore lab-backups
  What       Datastore lab-backups on m1 is 91 % full & still <growing>.
  Value      91 % (threshold: above 85 %)
  Since      TIME
  Runbook    https://example.org/runbooks/DatastoreFull.md
  Dashboard  https://example.org/d/backups
  Query      https://10.213.7.60:9090/graph?g0.expr=up
  On it      ./lab ack DatastoreFull m1 --stack rehearsal
  Silence    https://10.213.7.60:9093/#/silences/new?filter=%7Balertname%3D%22DatastoreFull%22%2Cinstance%3D%22m1%22%7D

All of them: https://10.213.7.60:9093/#/alerts?filter=%7Balertname%3D%22DatastoreFull%22%7D`);
    const slack = await world.message(
      "Slack",
      ({ path, text }) => path === "/slack" && text.includes(subject),
    );
    expect(slack.headers.authorization).toBe("Bearer planted-slack-token");
    expect(JSON.parse(slack.text)).toMatchObject({
      channel: "#lab-infrastructure",
      attachments: [
        { color: "danger", text: expect.stringContaining("91 % full &amp; still &lt;growing&gt;") },
      ],
    });
  });

  it("keeps quiet in a maintenance window of a host, and outside of it tells", async () => {
    await world.send(critical("Patched", "proj-pg02"), critical("Patched", "proj-pg01"));
    await world.message("the host without a window now", tells("Patched", "proj-pg01"));
    await world.send(critical("MarkOfWindow", "w1"));
    await world.message("the mark", tells("MarkOfWindow", "w1"));
    expect(await wasTold(tells("Patched", "proj-pg02"))).toBe(false);
    expect(await wasTold(escalates("Patched proj-pg02"))).toBe(false);
  });

  it("sends the watchdog outside, again and again, and to nobody else", async () => {
    await world.send({ labels: { alertname: "Watchdog", severity: "none", area: "monitoring" } });
    const beats = async () => (await world.messages()).filter(({ path }) => path === "/heartbeat");
    await waitFor(async () => (await beats()).length > 1, { what: "a second heartbeat", timeoutSeconds: 30 });
    const others = (await world.messages()).filter(({ path }) => path !== "/heartbeat");
    expect(others.filter(({ text }) => text.includes("Watchdog"))).toEqual([]);
  });

  it("is asked for what fires before it acknowledges, and says who cannot log in or be reached", async () => {
    const missing = acknowledge(world.api, { alert: "NeverFired", instance: "h9" }, author, quiet);
    await expect(missing).rejects.toMatchObject({ message: "NeverFired of h9 does not fire", exitCode: 1 });
    const { monitoringLogin, services } = world.access;
    const stranger = new AlertmanagerApi({
      ...world.access,
      monitoringLogin: { ...monitoringLogin, password: "x" },
    });
    await expect(stranger.firing()).rejects.toThrow("refuses the stack's login");
    const nobody = new AlertmanagerApi({
      ...world.access,
      services: { ...services, alertmanager: "https://127.0.0.1:9" },
    });
    await expect(nobody.firing()).rejects.toMatchObject({ exitCode: 69 });
  });

  it("silences what `./lab silence` names until it is ended", async () => {
    const matchers = [{ name: "instance", value: "s1", isRegex: false, isEqual: true }];
    let said = "";
    const out = { write: (text: string) => (said += text) };
    await silence(world.api, matchers, author, { json: true, out });
    const { id } = JSON.parse(said) as { id: string };
    await world.send(critical("Noisy", "s1"), critical("Noisy", "s2"));
    await world.message("the other host", tells("Noisy", "s2"));
    expect(await wasTold(tells("Noisy", "s1"))).toBe(false);
    said = "";
    await listSilences(world.api, { all: false }, { json: true, out });
    expect(JSON.parse(said)).toContainEqual(
      expect.objectContaining({ id, state: "active", acknowledgement: false, firing: 1, createdBy: "night" }),
    );
    await expireSilences(world.api, [id.slice(0, 12)], quiet);
    await world.message("what was silenced", tells("Noisy", "s1"));
  });
});
