import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, it } from "vitest";
import { type Recorded, recordResources } from "../../test/mocks.ts";
import type { Channel } from "../site.ts";

const level = { escalationMinutes: 0, repeatMinutes: { critical: 60, warning: 1440 } };
const channelSecret = (key: string) => `planted-${key}`;
const mail: Channel = {
  ...level,
  type: "email",
  name: "dba-team",
  severities: ["critical", "warning"],
  to: ["dba@example.org", "night@example.org"],
  from: "alerts@example.org",
  smarthost: "mail.example.org:587",
  requireTls: true,
};
const channels: readonly Channel[] = [
  mail,
  {
    ...mail,
    name: "management",
    severities: ["warning"],
    smarthost: "mail.example.org:25",
    requireTls: false,
  },
  { ...mail, name: "on-call", severities: ["critical"], smarthost: "mail.example.org:465", username: "lab" },
  {
    ...level,
    type: "webhook",
    name: "chat",
    severities: ["critical"],
    url: "https://chat.example.org/hook",
  },
];

let recorded: Recorded[];
const made = (type: string) =>
  recorded.filter((resource) => resource.type === `pbs:index:${type}`).map(({ inputs }) => inputs);
const target = (name: string) => made("NotificationTarget").find((inputs) => inputs.name === name);

beforeAll(async () => {
  recorded = await recordResources();
  const { BackupNotifications } = await import("./notifications.ts");
  new BackupNotifications("backup-server", {
    siteName: "lab",
    channels,
    smtpPassword: "planted",
    channelSecret,
  });
  await pulumi.runtime.disconnect();
});

it("sends errors of every job to whoever takes critical alerts, the rest to whoever takes warnings", () => {
  const matchers = made("NotificationMatcher")
    .map(({ name, matchSeverity, matchField, target }) => ({ name, matchSeverity, matchField, target }))
    .sort((one, other) => String(one.name).localeCompare(String(other.name)));
  expect(matchers).toEqual([
    { name: "lab_errors", matchSeverity: ["error"], target: ["dba-team", "on-call", "chat"] },
    { name: "lab_warnings", matchSeverity: ["warning,unknown"], target: ["dba-team", "management"] },
  ]);
});

it("speaks to mail servers as Alertmanager does", () => {
  expect(target("dba-team")).toMatchObject({
    type: "smtp",
    server: "mail.example.org",
    port: 587,
    mode: "starttls",
    fromAddress: "alerts@example.org",
    mailto: ["dba@example.org", "night@example.org"],
  });
  expect(target("management")).toMatchObject({ port: 25, mode: "insecure" });
  expect(target("on-call")).toMatchObject({ port: 465, mode: "tls", username: "lab", password: "planted" });
});

it("logs in to no mail server that does not ask for it", () => {
  expect(target("dba-team")).not.toHaveProperty("password");
  expect(target("dba-team")).not.toHaveProperty("username");
});

it("sends webhooks what Alertmanager would send", () => {
  const { url, method, headers, body } = target("chat") ?? {};
  expect({ url, method, headers }).toEqual({
    url: "https://chat.example.org/hook",
    method: "post",
    headers: { "Content-Type": "application/json" },
  });
  const filled = String(body)
    .replaceAll("{{ escape message }}", "chunk missing")
    .replaceAll("{{ severity }}", "error");
  expect(JSON.parse(filled)).toMatchObject({
    version: "4",
    alerts: [
      { status: "firing", labels: { severity: "error" }, annotations: { description: "chunk missing" } },
    ],
  });
});

it("makes no matcher of which nobody would hear", async () => {
  const without = await recordResources();
  const { BackupNotifications } = await import("./notifications.ts");
  const smtpPassword = undefined;
  new BackupNotifications("none", { siteName: "lab", channels: [], smtpPassword, channelSecret });
  new BackupNotifications("errors", {
    siteName: "lab",
    channels: channels.slice(3),
    smtpPassword,
    channelSecret,
  });
  await pulumi.runtime.disconnect();
  const matchers = without.filter(({ type }) => type === "pbs:index:NotificationMatcher");
  expect(matchers.map(({ inputs }) => [inputs.name, inputs.target])).toEqual([["lab_errors", ["chat"]]]);
});

it("tells each service in its own words, and keeps what it proves itself with from readers", async () => {
  const others = await recordResources();
  const { BackupNotifications } = await import("./notifications.ts");
  const critical = { ...level, severities: ["critical" as const] };
  const services: readonly Channel[] = [
    { ...critical, type: "slack", name: "slack", channel: "#lab-backups", apiUrl: "https://slack.com/api/x" },
    { ...critical, type: "pagerduty", name: "pager", url: "https://events.pagerduty.com/v2/enqueue" },
    { ...critical, type: "webhook", name: "hook" },
  ];
  new BackupNotifications("services", {
    siteName: "lab",
    channels: services,
    smtpPassword: undefined,
    channelSecret,
  });
  await pulumi.runtime.disconnect();
  const inputsOf = (name: string) => others.find(({ inputs }) => inputs.name === name)?.inputs ?? {};
  expect(inputsOf("slack")).toMatchObject({
    url: "https://slack.com/api/x",
    headers: { Authorization: "Bearer {{ secrets.token }}" },
    secrets: { token: "planted-slackToken" },
  });
  expect(JSON.parse(String(inputsOf("slack").body))).toMatchObject({ channel: "#lab-backups" });
  expect(inputsOf("pager")).toMatchObject({ secrets: { key: "planted-pagerdutyKey-pager" } });
  expect(JSON.parse(String(inputsOf("pager").body))).toMatchObject({
    routing_key: "{{ secrets.key }}",
    event_action: "trigger",
    payload: { severity: "error" },
  });
  expect(inputsOf("hook")).toMatchObject({ url: "planted-webhookUrl-hook" });
});

it("tells nobody who would have to be asked later, at an hour, or of something else", async () => {
  const none = await recordResources();
  const { BackupNotifications } = await import("./notifications.ts");
  new BackupNotifications("later", {
    siteName: "lab",
    channels: [
      { ...mail, name: "second", escalationMinutes: 15 },
      { ...mail, name: "office", activeTimeIntervals: ["business-hours"] },
      { ...mail, name: "guards", areas: ["security"] },
    ],
    smtpPassword: undefined,
    channelSecret,
  });
  await pulumi.runtime.disconnect();
  expect(none.filter(({ type }) => type.startsWith("pbs:"))).toEqual([]);
});

it("does not leave out a password without a word", async () => {
  const { BackupNotifications } = await import("./notifications.ts");
  expect(
    () =>
      new BackupNotifications("other", { siteName: "lab", channels, smtpPassword: undefined, channelSecret }),
  ).toThrow("mail channel on-call has a username and no password");
});
