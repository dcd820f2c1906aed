import { createHash } from "node:crypto";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { createServer as createHttpServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestCluster, TestClient, type TestCluster } from "./testing.ts";

let cluster: TestCluster;
beforeEach(async () => {
  cluster = await startTestCluster();
});
afterEach(async () => {
  await cluster.close();
});

test("a file that goes while its storage is listed is left out", async () => {
  const snippets = join(cluster.folder, "storage/pve1/local/snippets");
  await mkdir(snippets, { recursive: true });
  await writeFile(join(snippets, "there.yaml"), "a: 1\n");
  // Has a name in the folder and nothing behind it, as a file has that was deleted in between.
  await symlink(join(snippets, "nothing"), join(snippets, "gone.yaml"));
  const listed = await cluster.client.ok<{ volid: string }[]>("GET", "/nodes/pve1/storage/local/content");
  expect(listed.map(({ volid }) => volid)).toEqual(["local:snippets/there.yaml"]);
});

describe("storages", () => {
  const pbs = {
    storage: "pbs01",
    type: "pbs",
    server: "10.0.0.9",
    datastore: "main",
    username: "pve@pbs!token",
    password: "hidden-word",
    "encryption-key": "autogen",
    "prune-backups": "keep-all=1",
  };

  test("a generated key is shown once, then only its fingerprint; a password never", async () => {
    const made = await cluster.client.ok<{ config: Record<string, string> }>("POST", "/storage", pbs);
    const key = JSON.parse(made.config["encryption-key"] ?? "") as { data: string; fingerprint: string };
    expect(Buffer.from(key.data, "base64")).toHaveLength(32);
    const read = await cluster.client.call("GET", "/storage/pbs01");
    expect(read.body.data).toMatchObject({ "encryption-key": key.fingerprint, content: "backup" });
    expect(JSON.stringify(read.body)).not.toContain("hidden-word");
    expect(JSON.stringify(read.body)).not.toContain(key.data);
  });

  test("a key from another cluster is taken with its name, and taken away again", async () => {
    const made = await cluster.client.ok<{ config: Record<string, string> }>("POST", "/storage", pbs);
    const escrowed = made.config["encryption-key"] ?? "";
    const { fingerprint } = JSON.parse(escrowed) as { fingerprint: string };
    await cluster.client.ok("DELETE", "/storage/pbs01");
    await cluster.client.ok("POST", "/storage", { ...pbs, "encryption-key": escrowed });
    expect(await cluster.client.ok("GET", "/storage/pbs01")).toMatchObject({ "encryption-key": fingerprint });
    await cluster.client.ok("PUT", "/storage/pbs01", { delete: "encryption-key" });
    expect(await cluster.client.ok("GET", "/storage/pbs01")).not.toHaveProperty("encryption-key");
    expect(await readFile(join(cluster.folder, "priv/pbs01.json"), "utf8")).not.toContain("data");
    const wrong = await cluster.client.call("PUT", "/storage/pbs01", { "encryption-key": "{}" });
    expect(wrong.reason).toMatch(/does not seem like a valid, JSON formatted encryption key/);
  });

  test("what a type needs is asked for; an id is used once; delete takes it away", async () => {
    const { datastore, ...lacking } = pbs;
    expect((await cluster.client.call("POST", "/storage", lacking)).body.errors).toEqual({
      datastore: "property is missing and it is not optional",
    });
    await cluster.client.ok("POST", "/storage", pbs);
    expect((await cluster.client.call("POST", "/storage", pbs)).reason).toBe(
      "storage ID 'pbs01' already defined",
    );
    await cluster.client.ok("PUT", "/storage/pbs01", { disable: 1, delete: "prune-backups" });
    expect(await cluster.client.ok("GET", "/storage/pbs01")).not.toHaveProperty("prune-backups");
    await cluster.client.ok("DELETE", "/storage/pbs01");
    expect((await cluster.client.call("GET", "/storage/pbs01")).reason).toBe(
      "storage 'pbs01' does not exist",
    );
  });

  test("snippets are put, read, listed and removed, with the token", async () => {
    const path = "pve1/snippets/local/pg01.yaml";
    expect((await cluster.client.snippet("PUT", path, "#cloud-config\n")).status).toBe(200);
    expect((await cluster.client.snippet("GET", path)).text).toBe("#cloud-config\n");
    const list = await cluster.client.ok<{ volid: string }[]>("GET", "/nodes/pve1/storage/local/content");
    expect(list.map((volume) => volume.volid)).toEqual(["local:snippets/pg01.yaml"]);
    expect(await cluster.client.ok("GET", "/nodes/pve2/storage/local/content")).toEqual([]);
    expect((await cluster.client.snippet("PUT", "pve1/snippets/local/..%2Fx", "")).status).toBe(400);
    const stranger = new TestClient(cluster.url, { id: "test@pve!audit", secret: "look" });
    expect((await stranger.snippet("PUT", path, "x")).status).toBe(403);
    expect((await cluster.client.snippet("DELETE", path)).status).toBe(200);
    expect((await cluster.client.snippet("GET", path)).status).toBe(500);
  });
});

describe("downloads", () => {
  const content = Buffer.from("an image".repeat(1000));
  const sha256 = createHash("sha256").update(content).digest("hex");
  let mirror: Server;
  let url: string;
  beforeAll(async () => {
    mirror = createHttpServer((request, response) => {
      response.writeHead(request.url === "/image.raw" ? 200 : 404).end(content);
    });
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    mirror.closeAllConnections();
    mirror.close();
  });
  const fetchImage = (checksum = sha256, file = "image.raw") =>
    cluster.client.task("POST", "/nodes/pve1/storage/local/download-url", {
      url: `${url}/${file}`,
      content: "import",
      filename: "image.raw",
      checksum,
      "checksum-algorithm": "sha256",
    });
  const listed = () =>
    cluster.client.ok<{ volid: string; size: number }[]>("GET", "/nodes/pve1/storage/local/content");

  test("a file arrives whole, a second time it is accepted by its checksum", async () => {
    expect(await fetchImage()).toBe("OK");
    expect(await listed()).toMatchObject([
      { volid: "local:import/image.raw", size: content.length, format: "raw" },
    ]);
    expect(await fetchImage()).toBe("OK");
    const remove = "/nodes/pve1/storage/local/content/local:import/image.raw";
    expect(await cluster.client.task("DELETE", remove)).toBe("OK");
    expect(await listed()).toEqual([]);
  });

  test("a wrong checksum, a wrong address and a different existing file fail, and leave nothing new", async () => {
    expect(await fetchImage("0".repeat(64))).toBe(
      `checksum mismatch: got '${sha256}' != expect '${"0".repeat(64)}'`,
    );
    expect(await fetchImage(sha256, "gone.raw")).toMatch(/answered 404/);
    expect(await listed()).toEqual([]);
    await fetchImage();
    expect(await fetchImage("0".repeat(64))).toBe(
      "refusing to override existing file '/var/lib/vz/import/image.raw'",
    );
  });

  test("what is not a guest image is not imported", async () => {
    await fetchImage();
    const drive = "local-lvm:0,import-from=local:import/image.raw";
    const exit = await cluster.client.task("POST", "/nodes/pve1/qemu", { vmid: 100, scsi0: drive });
    expect(exit).toMatch(/cannot import 'local:import\/image.raw': not a squashfs image/);
    expect(await cluster.client.ok("GET", "/nodes/pve1/qemu")).toEqual([]);
  });

  test("a task tells its type, its user and its log", async () => {
    await fetchImage("0".repeat(64));
    const [task] = await cluster.client.ok<{ upid: string; status: string }[]>("GET", "/nodes/pve1/tasks");
    expect(task?.upid).toMatch(
      /^UPID:pve1:[0-9A-F]{8}:[0-9A-F]{8,}:[0-9A-F]{8}:download:image\.raw:test@pve!all:$/,
    );
    const path = `/nodes/pve1/tasks/${encodeURIComponent(task?.upid ?? "")}/log`;
    const log = await cluster.client.call("GET", path);
    const lines = log.body.data as { n: number; t: string }[];
    expect(lines.at(-1)?.t).toMatch(/^TASK ERROR: checksum mismatch/);
    expect(log.body.total).toBe(lines.length);
  });
});
