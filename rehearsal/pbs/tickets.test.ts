import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type Simulator, startSimulator } from "./server.ts";

const admin = "root@pam!admin";
const secret = "26a8e1f7-20e9-4a1e-8e7d-0d8a0df37f0c";
let folder: string;
let server: Simulator;
let now: Date;

beforeEach(async () => {
  now = new Date();
  folder = await mkdtemp(join(tmpdir(), "lab-pbs-"));
  server = await startSimulator({
    address: "127.0.0.1",
    port: 0,
    stateFolder: folder,
    adminTokens: { [admin]: secret },
    now: () => now,
    scheduleSeconds: 0,
  });
  await call("POST", "/access/users", { userid: "eva@pbs", password: "correct horse" }, asAdmin);
  await call("PUT", "/access/acl", { path: "/", role: "Admin", "auth-id": "eva@pbs" }, asAdmin);
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

const asAdmin = { authorization: `PBSAPIToken=${admin}:${secret}` };

async function call(
  method: string,
  path: string,
  form: Record<string, string>,
  headers: Record<string, string>,
) {
  const answer = await fetch(`${server.url}/api2/json${path}`, {
    method,
    headers,
    ...(method === "GET" ? {} : { body: new URLSearchParams(form) }),
  });
  return { status: answer.status, text: await answer.text() };
}

async function login(password: string): Promise<{ ticket: string; CSRFPreventionToken: string }> {
  const { status, text } = await call("POST", "/access/ticket", { username: "eva@pbs", password }, {});
  if (status !== 200) throw new Error(`${status} ${text}`);
  return JSON.parse(text).data;
}

const cookie = (ticket: string) => ({ cookie: `PBSAuthCookie=${encodeURIComponent(ticket)}` });
const change = (headers: Record<string, string>) =>
  call("PUT", "/access/users/eva@pbs", { comment: "astronomer" }, headers);

it("reads with a ticket, and changes only with the token against forged requests", async () => {
  const { ticket, CSRFPreventionToken } = await login("correct horse");
  expect((await call("GET", "/access/users", {}, cookie(ticket))).status).toBe(200);
  expect(await change(cookie(ticket))).toEqual({
    status: 401,
    text: "authentication failed - missing CSRF prevention token",
  });
  expect((await change({ ...cookie(ticket), CSRFPreventionToken: "00000000:x" })).status).toBe(401);
  expect((await change({ ...cookie(ticket), CSRFPreventionToken })).status).toBe(200);
});

it("refuses a wrong password, an unknown user, a changed ticket and a disabled user", async () => {
  await expect(login("wrong")).rejects.toThrow("401 permission check failed.");
  expect((await call("POST", "/access/ticket", { username: "no@pbs", password: "x" }, {})).status).toBe(401);
  const { ticket } = await login("correct horse");
  expect((await call("GET", "/version", {}, cookie(ticket.replace("eva", "adam")))).status).toBe(401);
  await call("PUT", "/access/users/eva@pbs", { enable: "0" }, asAdmin);
  expect((await call("GET", "/version", {}, cookie(ticket))).text).toBe(
    "authentication failed - user account or token disabled or expired.",
  );
  await expect(login("correct horse")).rejects.toThrow("401");
});

it("renews a ticket by itself until it is too old", async () => {
  const { ticket } = await login("correct horse");
  now = new Date(now.getTime() + 3600_000);
  const renewed = await login(ticket);
  now = new Date(now.getTime() + 3601_000);
  expect((await call("GET", "/version", {}, cookie(ticket))).text).toMatch(
    /invalid ticket - timestamp too old/,
  );
  expect((await call("GET", "/version", {}, cookie(renewed.ticket))).status).toBe(200);
});

it("changes a password for who knows the old one", async () => {
  const { ticket, CSRFPreventionToken } = await login("correct horse");
  const headers = { ...cookie(ticket), CSRFPreventionToken };
  const form = { userid: "eva@pbs", password: "battery staple" };
  expect((await call("PUT", "/access/password", form, headers)).status).toBe(401);
  const confirmed = { ...form, "confirmation-password": "correct horse" };
  expect((await call("PUT", "/access/password", confirmed, headers)).status).toBe(200);
  await login("battery staple");
});
