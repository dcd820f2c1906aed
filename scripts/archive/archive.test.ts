import { createHash } from "node:crypto";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Config, configSchema } from "../config.ts";
import type { Manifest } from "../runs/manifest.ts";
import { readManifest, writeManifest } from "../runs/manifest.ts";
import { runsFolder } from "../runs/runs.ts";
import { temporaryFolder } from "../testing/cluster.ts";
import { entryFor, manifestFor, validationFor } from "../testing/manifests.ts";
import { archive } from "./archive.ts";

interface Request {
  method: string | undefined;
  url: string | undefined;
  checksum: string | undefined;
  body: Buffer;
}

let folder: string;
let server: Server;
let requests: Request[];
let status: number;
let confirms: boolean;
let config: Config;
let runFolder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
  requests = [];
  status = 200;
  confirms = true;
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const checksum = request.headers["x-amz-checksum-sha256"]?.toString();
      const { method, url } = request;
      requests.push({ method, url, checksum, body: Buffer.concat(chunks) });
      response
        .writeHead(status, checksum === undefined || !confirms ? {} : { "x-amz-checksum-sha256": checksum })
        .end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const credentialsFile = join(folder, "credentials.json");
  await writeFile(credentialsFile, JSON.stringify({ accessKeyId: "id", secretAccessKey: "hunter2" }), {
    mode: 0o600,
  });
  config = configSchema.parse({
    cluster: { name: "pg01", role: "keeper" },
    directory: join(folder, "backup"),
    archive: {
      bucket: "dumps",
      region: "eu-central-1",
      endpoint: `http://127.0.0.1:${port}`,
      credentialsFile,
    },
  });
  runFolder = join(runsFolder(config.directory, "pg01"), "20260601T020000Z");
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const events: string[] = [];
const copy = () =>
  archive({
    config,
    report: { event: (_level, event, text) => events.push(`${event} ${text}`) },
    signal: new AbortController().signal,
    now: () => new Date("2026-06-01T03:00:00Z"),
  });

async function makeRun(differences: Partial<Manifest>): Promise<void> {
  await mkdir(runFolder, { recursive: true });
  const content = { "some.dump": "dump", "globals.sql": "globals" };
  for (const [file, text] of Object.entries(content)) await writeFile(join(runFolder, file), text);
  const digest = (text: string) => ({
    sizeBytes: text.length,
    sha256: createHash("sha256").update(text).digest("hex"),
  });
  const manifest = manifestFor({
    databases: [{ ...entryFor("desi"), files: [{ file: "some.dump", ...digest("dump") }] }],
    globals: { file: "globals.sql", ...digest("globals") },
    validation: validationFor("restore", "passed", ["desi"]),
    ...differences,
  });
  await writeManifest(runFolder, manifest);
}

test("the small files are sent as one object with its SHA-256, the manifest last, and the manifest then says so", async () => {
  await makeRun({});
  await copy();
  expect(requests.map(({ method, url }) => `${method} ${url?.split("?")[0]}`)).toEqual([
    "PUT /dumps/postgresql/pg01/20260601T020000Z/files.tar",
    "PUT /dumps/postgresql/pg01/20260601T020000Z/manifest.json.gz",
  ]);
  for (const { checksum, body } of requests) {
    expect(checksum).toBe(createHash("sha256").update(body).digest("base64"));
  }
  const { offsite } = await readManifest(runFolder);
  expect(offsite?.url).toBe("s3://dumps/postgresql/pg01/20260601T020000Z/");
  expect(offsite?.objects?.[0]?.extents.map(({ file }) => file)).toEqual(["some.dump", "globals.sql"]);
  await copy();
  expect(requests).toHaveLength(2);
});

test("a service that refuses leaves the run without an off-site copy", async () => {
  await makeRun({});
  status = 403;
  await expect(copy()).rejects.toMatchObject({ kind: "offsite" });
  expect((await readManifest(runFolder)).offsite).toBeNull();
});

test("a run that is not proven is not copied", async () => {
  await makeRun({ validation: validationFor("decode", "passed", ["desi"]) });
  await expect(copy()).rejects.toMatchObject({ kind: "preflight" });
  expect(requests).toEqual([]);
});

test("a file that is no longer what its manifest says is not sent", async () => {
  await makeRun({});
  await writeFile(join(runFolder, "some.dump"), "dumb");
  await expect(copy()).rejects.toMatchObject({ kind: "verification", message: /some\.dump has changed/ });
  expect(requests).toEqual([]);
});

test("a service that does not confirm the SHA-256 is not believed", async () => {
  await makeRun({});
  confirms = false;
  await expect(copy()).rejects.toThrow(/did not confirm the SHA-256/);
  expect((await readManifest(runFolder)).offsite).toBeNull();
});

test("credentials that others can read are refused, and never shown", async () => {
  await makeRun({});
  await writeFile(join(folder, "open.json"), "hunter2", { mode: 0o644 });
  await writeFile(join(folder, "broken.json"), "hunter2", { mode: 0o600 });
  for (const name of ["open.json", "broken.json"]) {
    if (config.archive !== undefined) config.archive.credentialsFile = join(folder, name);
    const failure: unknown = await copy().catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "offsite" });
    expect(String(failure)).not.toContain("hunter2");
  }
  expect(events.join("\n")).not.toContain("hunter2");
});
