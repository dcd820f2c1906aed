import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Proxmox } from "./client.ts";

const upid = "UPID:pve1:0000C0DE:00000001:69A00000:qmcreate:100:pulumi@pve!lab:";
const signal = new AbortController().signal;
let server: Server;
let exitstatus: string | undefined;

beforeEach(async () => {
  server = createServer((request, response) => {
    const isStatus = request.url?.includes("/status");
    const lines = Array.from({ length: 12 }, (_, index) => ({ n: index + 1, t: `line ${index + 1}` }));
    const data = isStatus ? { status: "stopped", exitstatus } : lines;
    response.end(JSON.stringify({ data }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(() => {
  vi.restoreAllMocks();
  server.close();
});

function finish(task: unknown): Promise<void> {
  const { port } = server.address() as AddressInfo;
  const config = {
    endpoint: `http://127.0.0.1:${port}`,
    apiToken: "pulumi@pve!lab=secret",
    insecure: false as const,
  };
  return new Proxmox(config).finish("pve1", task, signal);
}

it("takes a task that ended well", async () => {
  exitstatus = "OK";
  await finish(upid);
});

it("shows the end of the log of a task that failed, or vanished with its node", async () => {
  exitstatus = "unable to create image";
  await expect(finish(upid)).rejects.toThrow(/ended with unable to create image:\nline 3\n.*line 12$/s);
  exitstatus = undefined;
  await expect(finish(upid)).rejects.toThrow("ended with no status");
});

it("shows what a task warned about and goes on", async () => {
  const written = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  exitstatus = "WARNINGS: 1";
  await finish(upid);
  expect(written).toHaveBeenCalledWith(expect.stringContaining("ended with WARNINGS: 1:\nline 3"));
});

it("does not take an answer that is no task for a success", async () => {
  await expect(finish("OK")).rejects.toThrow('pve1 answered "OK" instead of a task: nothing was done');
  await expect(finish(null)).rejects.toThrow("answered null");
});
