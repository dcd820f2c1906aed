import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findPulumi, type TestStack, testStack } from "../../rehearsal/providers/testing.ts";
import * as pbs from "../pbs/index.ts";
import { pbs as definition } from "../pbs/provider.ts";
import { adminToken, openWorld, type World } from "../pbs/test/world.ts";
import type { Channel } from "../site.ts";
import { BackupNotifications } from "./notifications.ts";

const engine = await findPulumi();
if (!engine) console.warn("skipped: pulumi is missing; ./lab doctor names the way");

const smtpPassword = "planted-mail-password-5512";
const level = { escalationMinutes: 0, repeatMinutes: { critical: 60, warning: 1440 } };
const channelSecret = (key: string) => `planted-${key}`;
const mail: Channel = {
  ...level,
  type: "email",
  name: "dba-team",
  severities: ["critical", "warning"],
  to: ["dba@example.org"],
  from: "alerts@example.org",
  smarthost: "mail.example.org:587",
  requireTls: true,
  username: "alerts",
};
const chat: Channel = {
  ...level,
  type: "webhook",
  name: "chat",
  severities: ["critical"],
  url: "https://chat.example.org/hook",
};

describe.skipIf(!engine)("who a backup server tells of failures", { timeout: 120_000 }, () => {
  let world: World;
  let test: TestStack;
  let channels: readonly Channel[] = [mail, chat];

  beforeAll(async () => {
    world = await openWorld();
    test = await testStack(engine ?? "", definition, async () => {
      const { url, adminSecret: tokenSecret, fingerprint } = world;
      const provider = new pbs.Provider("server", { url, tokenId: adminToken, tokenSecret, fingerprint });
      new BackupNotifications(
        "who",
        { siteName: "lab", channels, smtpPassword, channelSecret },
        { providers: [provider] },
      );
    });
  });
  afterAll(async () => {
    await test?.close();
    await world?.close();
  });

  const matchers = async () => {
    const { data } = await world.client.get("/config/notifications/matchers");
    return (data as { name: string; target?: string[] }[])
      .filter(({ name }) => name.startsWith("lab_"))
      .sort((one, other) => one.name.localeCompare(other.name));
  };

  it("is what the site says, with nothing more to do, and no password to be read", async () => {
    const { stdout } = await test.stack.up();
    expect(await matchers()).toMatchObject([
      { name: "lab_errors", "match-severity": ["error"], target: ["dba-team", "chat"] },
      { name: "lab_warnings", "match-severity": ["warning,unknown"], target: ["dba-team"] },
    ]);
    await test.stack.refresh({ expectNoChanges: true });
    await test.stack.preview({ expectNoChanges: true });
    const stateFile = join(test.stack.workspace.workDir, ".pulumi/stacks/test/test.json");
    const state = await readFile(stateFile, "utf8");
    expect(state).toContain("mail.example.org");
    for (const text of [state, stdout]) expect(text).not.toContain(smtpPassword);
  });

  it("follows when a channel goes", async () => {
    channels = [mail];
    await test.stack.up();
    expect((await matchers()).map(({ target }) => target)).toEqual([["dba-team"], ["dba-team"]]);
    expect((await world.client.get("/config/notifications/endpoints/webhook")).data).toEqual([]);
    await test.stack.destroy();
    expect(await matchers()).toEqual([]);
  });
});
