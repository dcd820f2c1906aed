import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../rehearsal/lab/engine.ts";
import { withThrowawayStack } from "../../rehearsal/lab/preview.ts";
import { findTool } from "../../tools/find.ts";
import { collectSecrets, type RecordedState } from "../upgrade/scrub.ts";
import { leaks, watchArguments } from "./watch.ts";

const engineTool = await findTool("pulumi");
if (!engineTool) console.warn("skipped: the engine is needed; `./lab test` installs it");

const planted = {
  proxmoxToken: "planted@pve!planted=PLANTED1-proxmox-token",
  proxmoxWatchTokenSecret: "PLANTED11-proxmox-watch-token",
  pbsTokenSecret: "PLANTED2-pbs-token-secret",
  awsAccessKey: "PLANTED3AWSACCESSKEY",
  awsSecretKey: "PLANTED4-aws-secret-key",
  grafanaToken: "PLANTED5-grafana-token",
  smtpPassword: "PLANTED6-smtp-password",
  slackToken: "xoxb-PLANTED7-slack-token",
  "pagerdutyKey-on-call": "PLANTED8-pagerduty-key",
  "pagerdutyKey-second-on-call": "PLANTED9-pagerduty-key",
  heartbeatUrl: "https://heartbeat.example.org/PLANTED10-heartbeat",
};

interface Seen {
  readonly secrets: ReadonlyMap<string, string>;
  /** What could be read of two previews and an update, by where. */
  readonly texts: Readonly<Record<string, string>>;
  readonly deliveries: readonly Delivery[];
}

interface Delivery {
  readonly host: string;
  readonly files: Readonly<
    Record<string, { readonly content?: unknown; readonly mode: string; readonly sensitive: boolean }>
  >;
}

const beside = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** A stack in which everything that is secret is planted. */
function withPlanted<T>(
  use: (engine: Engine, folder: string) => Promise<T>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<T> {
  return withThrowawayStack(
    "lab",
    async (engine, folder) => {
      for (const [key, value] of Object.entries(planted))
        await engine.run(["config", "set", "--secret", key], { input: value });
      return use(engine, folder);
    },
    { main: beside("program.ts"), standIns: beside("../offline/main.ts"), settings },
  );
}

/** Previews, updates and previews a change, with a look at everything that others can read. */
async function look(): Promise<Seen> {
  return withPlanted(async (engine, folder) => {
    const argumentsSeen = watchArguments();
    const texts: Record<string, string> = {};
    texts["preview --json"] = await outputOf(engine, folder, ["preview", "--json"]);
    texts["up --diff"] = await outputOf(engine, folder, ["up", "--yes", "--skip-preview", "--diff"]);
    await engine.run(["config", "set", "--secret", "smtpPassword"], {
      input: `${planted.smtpPassword}-new`,
    });
    texts["verbose preview --diff"] = await outputOf(engine, folder, [
      "preview",
      "--diff",
      "--logtostderr",
      "--verbose=2",
    ]);
    texts["stack output"] = await outputOf(engine, folder, ["stack", "output", "--json"]);
    texts["stack export"] = await outputOf(engine, folder, ["stack", "export"]);
    texts["process arguments"] = argumentsSeen.stop().join("\n");
    texts["files of the state and its history"] = await contentOf(folder);
    const state: RecordedState = JSON.parse(await engine.run(["stack", "export", "--show-secrets"]));
    return { texts, secrets: secretsOf(state), deliveries: deliveriesOf(state) };
  });
}

/** Output and diagnostics together. */
async function outputOf({ env }: Engine, folder: string, args: readonly string[]): Promise<string> {
  const { all, exitCode } = await execa("pulumi", ["--non-interactive", ...args], {
    cwd: folder,
    env,
    extendEnv: false,
    stdin: "ignore",
    all: true,
    reject: false,
  });
  if (exitCode !== 0) throw new Error(`pulumi ${args.join(" ")} failed:\n${all.slice(-4000)}`);
  return all;
}

async function contentOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return (
    await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), "latin1")))
  ).join("\n");
}

function secretsOf(state: RecordedState): Map<string, string> {
  const { tokens, keyPairs } = collectSecrets(state.deployment.resources, {});
  return new Map([
    ...Object.entries(planted),
    ...[...tokens].map((token, index) => [`generated secret ${index}`, token] as const),
    // The middle of a key: its beginning is the same for all.
    ...keyPairs.map(
      ({ privateKey, comment }) => [`the key for ${comment}`, privateKey.split("\n")[3] ?? ""] as const,
    ),
  ]);
}

function deliveriesOf({ deployment }: RecordedState): Delivery[] {
  return deployment.resources
    .filter(({ type }) => type === "hosts:index:Delivery")
    .map(({ urn, inputs }) => ({ host: urn.split("::").at(-1) ?? urn, files: (inputs as Delivery).files }));
}

describe.skipIf(!engineTool)("secrets", () => {
  let seen: Seen;
  beforeAll(async () => {
    seen = await look();
  }, 300_000);

  it("are planted or generated for everything that logs in somewhere", () => {
    expect(seen.secrets.size).toBeGreaterThan(20);
    expect([...seen.secrets.values()].filter((secret) => secret.length < 16)).toEqual([]);
    expect([...seen.secrets.values()].join("\n")).toContain("planted-encryption-key-of-pbs-critical-daily");
  });

  it("are in no output, log, state, history or process argument", () => {
    expect(leaks(seen.secrets, seen.texts)).toEqual([]);
  });

  it("are looked for in texts that hold what is around them", () => {
    expect(seen.texts["preview --json"]).toContain("[secret]");
    expect(seen.texts["up --diff"]).toContain("[secret]");
    expect(seen.texts["verbose preview --diff"]).toContain("smtp-password");
    expect(seen.texts["files of the state and its history"]).toContain("hosts:index:Delivery");
    expect(seen.texts["process arguments"]).toContain("pulumi --non-interactive up");
  });

  it("are delivered only in sensitive files, which others cannot read", () => {
    const holding = seen.deliveries.flatMap(({ host, files }) =>
      Object.entries(files)
        .filter(
          ([, { content }]) => leaks(seen.secrets, { content: JSON.stringify(content ?? "") }).length > 0,
        )
        .map(([path, { mode, sensitive }]) => ({
          file: `${host}:${path}`,
          closed: sensitive && mode.endsWith("0"),
        })),
    );
    expect(holding.length).toBeGreaterThan(2);
    expect(holding.filter(({ closed }) => !closed)).toEqual([]);
  });
});

describe.skipIf(!engineTool)("a secret that the program gives away", () => {
  it("is found where it comes out", async () => {
    const text = await withPlanted((engine, folder) => outputOf(engine, folder, ["preview", "--diff"]), {
      leak: "yes",
    });
    expect(leaks(new Map(Object.entries(planted)), { preview: text })).toEqual([
      "grafanaToken is in preview",
    ]);
  }, 300_000);
});
