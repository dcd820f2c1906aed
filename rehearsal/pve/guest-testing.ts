import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { buildImage } from "../image/build.ts";
import { waitFor } from "../lib/wait.ts";
import type { TestClient } from "./testing.ts";

const cacheDir = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "astronomy-lab");

/** Puts the guests' image on a node as `local:import/guest.raw`. */
export async function importGuestImage(client: TestClient, node = "pve1"): Promise<void> {
  const image = await buildImage({ cacheDir });
  const mirror = createServer(async (_, response) => response.end(await readFile(image.path)));
  await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
  try {
    await client.task("POST", `/nodes/${node}/storage/local/download-url`, {
      url: `http://127.0.0.1:${(mirror.address() as AddressInfo).port}/guest.raw`,
      ...{ content: "import", filename: "guest.raw" },
    });
  } finally {
    mirror.closeAllConnections();
    mirror.close();
  }
}

/** Runs a shell script in a guest through its agent, which it waits for, and gives what it prints. */
export async function runInGuest(
  client: TestClient,
  vmid: number,
  script: string,
  node = "pve1",
): Promise<string> {
  const path = `/nodes/${node}/qemu/${vmid}/agent`;
  const { pid } = await waitFor(
    () => client.ok<{ pid: number }>("POST", `${path}/exec`, { command: ["sh", "-c", script] }),
    { what: `the agent of ${vmid}`, timeoutSeconds: 60 },
  );
  const done = await waitFor(
    async () => {
      const answer = await client.ok<{ exited: number; exitcode?: number; "out-data"?: string }>(
        "GET",
        `${path}/exec-status`,
        { pid },
      );
      return answer.exited === 1 ? answer : undefined;
    },
    { what: script, timeoutSeconds: 60 },
  );
  expect(done.exitcode, script).toBe(0);
  return done["out-data"] ?? "";
}

/** Waits for a task and gives its log. */
export async function logOfTask(client: TestClient, upid: string, timeoutSeconds = 120): Promise<string> {
  const path = `/nodes/${upid.split(":")[1]}/tasks/${encodeURIComponent(upid)}`;
  await waitFor(
    async () => (await client.ok<{ status: string }>("GET", `${path}/status`)).status === "stopped",
    { what: upid, timeoutSeconds },
  );
  const lines = await client.ok<{ t: string }[]>("GET", `${path}/log`, { limit: 0 });
  return lines.map(({ t }) => t).join("\n");
}
