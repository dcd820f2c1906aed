import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RunningServer } from "../lib/server.ts";
import { readIndex, registerBinary } from "./registry.ts";
import { parseRange, startMirror } from "./server.ts";

let base: string;
let folder: string;
let source: string;
let mirror: RunningServer;
const content = randomBytes(100_000);
const sha256 = createHash("sha256").update(content).digest("hex");

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "mirror-"));
  folder = join(base, "files");
  source = join(base, "exporter");
  await writeFile(source, content);
  mirror = await startMirror({ address: "127.0.0.1", port: 0, folder });
});
afterEach(async () => {
  await mirror.close();
  await rm(base, { recursive: true, force: true });
});

describe("registering", () => {
  it("links the file, hashes it and records both", async () => {
    const entry = await registerBinary(folder, "exporter-1.0", source);
    expect(entry).toMatchObject({ file: "exporter-1.0", sha256, sizeBytes: content.length });
    expect(await readIndex(folder)).toEqual({ "exporter-1.0": entry });
    expect((await stat(join(folder, "exporter-1.0"))).ino).toBe((await stat(source)).ino);
  });

  it("hashes again only when size or time changed", async () => {
    await registerBinary(folder, "exporter", source);
    const index = await readIndex(folder);
    const marked = { ...index.exporter, sha256: "0".repeat(64) };
    await writeFile(join(folder, "index.json"), JSON.stringify({ exporter: marked }));
    expect((await registerBinary(folder, "exporter", source)).sha256).toBe("0".repeat(64));
    await utimes(source, new Date(), new Date(Date.now() - 5000));
    expect((await registerBinary(folder, "exporter", source)).sha256).toBe(sha256);
    expect(await readdir(folder)).toEqual(["exporter", "index.json"]);
  });

  it("keeps every entry when several are registered at once", async () => {
    const names = ["a", "b", "c", "d"];
    await Promise.all(names.map((name) => registerBinary(folder, name, source)));
    expect(Object.keys(await readIndex(folder))).toEqual(names);
  });

  it("refuses a name that leaves the folder", async () => {
    for (const name of ["../x", "a/b", ".hidden", "index.json", ""]) {
      await expect(registerBinary(folder, name, source)).rejects.toThrow("cannot be the name");
    }
  });
});

describe("serving", () => {
  it("gives the whole file, a part, the end, and nothing when it is known", async () => {
    await registerBinary(folder, "exporter", source);
    const get = (headers: Record<string, string>) => fetch(`${mirror.url}/exporter`, { headers });
    const whole = await get({});
    expect(Buffer.from(await whole.arrayBuffer()).equals(content)).toBe(true);
    expect(whole.headers.get("etag")).toBe(`"${sha256}"`);
    const part = await get({ range: "bytes=10-19" });
    expect([part.status, part.headers.get("content-range")]).toEqual([206, "bytes 10-19/100000"]);
    expect(Buffer.from(await part.arrayBuffer())).toEqual(content.subarray(10, 20));
    expect(Buffer.from(await (await get({ range: "bytes=-5" })).arrayBuffer())).toEqual(content.subarray(-5));
    expect((await get({ range: "bytes=100000-" })).status).toBe(416);
    expect((await get({ range: "bytes=0-1", "if-range": '"old"' })).status).toBe(200);
    expect((await get({ "if-none-match": `"${sha256}"` })).status).toBe(304);
    expect((await fetch(`${mirror.url}/exporter`, { method: "HEAD" })).headers.get("content-length")).toBe(
      "100000",
    );
  });

  it("lists what it has and answers 404 for the rest", async () => {
    await registerBinary(folder, "exporter", source);
    expect(await (await fetch(`${mirror.url}/index.json`)).json()).toMatchObject({ exporter: { sha256 } });
    expect((await fetch(`${mirror.url}/other`)).status).toBe(404);
    expect((await fetch(`${mirror.url}/constructor`)).status).toBe(404);
  });

  it("never leaves its folder", async () => {
    for (const path of ["/../exporter", "/..%2Fexporter", "/%2e%2e/exporter", "//etc/passwd", "/.%00"]) {
      expect(await statusOf(path)).toBeGreaterThanOrEqual(400);
    }
  });
});

it("never answers a range outside the file", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.option(fc.nat(2000)), fc.option(fc.nat(2000)), (size, from, to) => {
      const range = parseRange(`bytes=${from ?? ""}-${to ?? ""}`, size);
      if (range === undefined || range === "unsatisfiable") return;
      expect(range.first).toBeGreaterThanOrEqual(0);
      expect(range.last).toBeGreaterThanOrEqual(range.first);
      expect(range.last).toBeLessThan(size);
    }),
  );
});

/** fetch() would tidy the path up before it asks. */
function statusOf(path: string): Promise<number> {
  const { hostname, port } = new URL(mirror.url);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}
