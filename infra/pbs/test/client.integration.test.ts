import { readFile } from "node:fs/promises";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PbsClient } from "../client.ts";
import { awaitTask } from "../tasks.ts";
import { adminToken, openWorld, type World } from "./world.ts";

let world: World;
const open: (Server | TlsServer)[] = [];
beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  for (const server of open) server.close();
  await world.close();
});

type Handler = Parameters<typeof createTlsServer>[1];

/** An HTTPS server with the world's certificate that answers as the test says. */
async function serverThat(answer: NonNullable<Handler>): Promise<string> {
  const at = (file: string) => readFile(join(world.folder, "tls", file));
  const server = createTlsServer({ cert: await at("pbs.pem"), key: await at("pbs.key") }, answer);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

const options = () => ({
  tokenId: adminToken,
  tokenSecret: world.adminSecret,
  fingerprint: world.fingerprint,
});

describe("trust", () => {
  const version = (trust: object) =>
    new PbsClient({ url: world.url, tokenId: adminToken, tokenSecret: world.adminSecret, ...trust }).get(
      "/version",
    );

  it("is by fingerprint, however it is written", async () => {
    const bare = world.fingerprint.replaceAll(":", "").toUpperCase();
    expect((await version({ fingerprint: bare })).data).toMatchObject({ version: "4.1" });
  });

  it("is by certificate authority", async () => {
    expect((await version({ caCertificate: world.caCertificate })).data).toMatchObject({ version: "4.1" });
  });

  it("is by the system's authorities otherwise, and says what to set", async () => {
    await expect(version({})).rejects.toThrow(/is not trusted: .*set `caCertificate`, or `fingerprint`/);
  });

  it("names both fingerprints when they differ, and the token never leaves", async () => {
    const wrong = "00:".repeat(31).concat("00");
    const before = world.calls.length;
    await expect(version({ fingerprint: wrong })).rejects.toThrow(
      new RegExp(`fingerprint ${world.fingerprint}, but the provider expects ${wrong}`),
    );
    expect(world.calls).toHaveLength(before);
  });
});

describe("refusals", () => {
  it("of a wrong token say what to check, and never show the secret", async () => {
    const secret = "11111111-2222-3333-4444-555555555555";
    const refusal = world.clientOf(adminToken, secret).get("/version");
    await expect(refusal).rejects.toThrow(
      /HTTP 401.*invalid API token secret; check that the token root@pam!admin/,
    );
    await expect(refusal).rejects.not.toThrow(new RegExp(secret));
  });

  it("carry method, path, status and each parameter's reason", async () => {
    const refusal = world.client.post("/config/prune", { id: "ab", "keep-last": 0, colour: "red" });
    await expect(refusal).rejects.toMatchObject({
      method: "POST",
      path: "/config/prune",
      status: 400,
      parameters: {
        id: "value must be at least 3 characters long",
        "keep-last": "value must have a minimum value of 1 (got 0)",
        colour: "schema does not allow additional properties.",
        store: "parameter is missing and it is not optional.",
        schedule: "parameter is missing and it is not optional.",
      },
    });
  });

  it("are understood as JSON too", async () => {
    const url = await serverThat((_, response) =>
      response.writeHead(400).end('{"message":"parameter verification failed","errors":{"id":"too short"}}'),
    );
    await expect(new PbsClient({ url, ...options() }).post("/config/prune")).rejects.toMatchObject({
      reason: "parameter verification failed - 'id': too short",
      parameters: { id: "too short" },
    });
  });

  it("that repeat a secret are cleaned", async () => {
    const url = await serverThat((request, response) =>
      response.writeHead(400).end(request.headers.authorization),
    );
    await expect(new PbsClient({ url, ...options() }).get("/version")).rejects.toThrow(
      /root@pam!admin:\[secret\]/,
    );
  });

  it("are recognised where the answer is no JSON", async () => {
    const url = await serverThat((_, response) => response.end("<html>"));
    await expect(new PbsClient({ url, ...options() }).get("/version")).rejects.toThrow(
      /is it a Proxmox Backup Server/,
    );
  });
});

describe("repetition", () => {
  it("is for reading only", async () => {
    const seen: string[] = [];
    const url = await serverThat((request, response) => {
      seen.push(request.method ?? "");
      if (seen.length % 2 === 1) response.writeHead(503).end("starting");
      else response.end('{"data":"here"}');
    });
    const client = new PbsClient({ url, ...options() });
    expect((await client.get("/version")).data).toBe("here");
    await expect(client.post("/config/prune")).rejects.toThrow(/HTTP 503\): starting/);
    expect(seen).toEqual(["GET", "GET", "POST"]);
  });

  it("survives a dropped connection", async () => {
    let dropped = false;
    const url = await serverThat((request, response) => {
      if (dropped) return response.end('{"data":1}');
      dropped = true;
      return request.socket.destroy();
    });
    expect((await new PbsClient({ url, ...options() }).get("/version")).data).toBe(1);
  });

  it("ends with the address when nobody listens", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const url = `https://127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
    await new Promise((resolve) => server.close(resolve));
    await expect(new PbsClient({ url, ...options() }).get("/version")).rejects.toThrow(
      `cannot connect to ${url}`,
    );
  });
});

describe("a time-out", () => {
  it("names the call and the seconds", async () => {
    const url = await serverThat(() => undefined);
    const client = new PbsClient({ url, ...options(), timeoutSeconds: 0.2 });
    await expect(client.post("/config/prune")).rejects.toThrow(
      /did not answer POST \/config\/prune within 0.2 s/,
    );
  });

  it("is not what a cancelled call reports", async () => {
    const url = await serverThat(() => undefined);
    const cancel = new AbortController();
    const call = new PbsClient({ url, ...options() }).get("/version", {}, cancel.signal);
    cancel.abort(new Error("the update was cancelled"));
    await expect(call).rejects.toThrow("the update was cancelled");
  });
});

describe("tasks", () => {
  const start = (work: Parameters<World["simulator"]["tasks"]["start"]>[3]) =>
    world.simulator.tasks.start("prunejob", "a-b", adminToken, work);

  it("that end well give no warnings", async () => {
    expect(await awaitTask(world.client, await start(async () => {}))).toEqual({ warnings: [] });
  });

  it("that warn are successes with warnings", async () => {
    const upid = await start(async (run) => {
      await run.log("before");
      await run.warn("the disk is old");
    });
    expect(await awaitTask(world.client, upid)).toEqual({
      warnings: [expect.stringContaining("WARN: the disk is old")],
    });
  });

  it("that fail show the end of their log", async () => {
    const upid = await start(async (run) => {
      for (let line = 1; line <= 40; line++) await run.log(`line ${line}`);
      throw new Error("no space left");
    });
    const failure = awaitTask(world.client, upid);
    await expect(failure).rejects.toThrow(/task prunejob a-b failed: no space left\n.*line 40\n/s);
    await expect(failure).rejects.not.toThrow(/line 2\n/);
  });

  it("that take too long are left running, with their log so far", async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const upid = await start(async (run) => {
      await run.log("working");
      await ended;
    });
    await expect(awaitTask(world.client, upid, { timeoutSeconds: 0.2 })).rejects.toThrow(
      /did not end within 0.2 s and goes on at the server; its log so far:\n.*working/,
    );
    const cancel = new AbortController();
    const wait = awaitTask(world.client, upid, { signal: cancel.signal });
    cancel.abort(new Error("cancelled"));
    await expect(wait).rejects.toThrow(/cancelled/);
    end();
  });
});
