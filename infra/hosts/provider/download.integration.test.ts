import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256 } from "./canonical.ts";
import { FakeHost, notRoot } from "./testing/fake-host.ts";
import { deliveryInputs } from "./testing/inputs.ts";

describe.skipIf(notRoot)("downloading on the host", { timeout: 60_000 }, () => {
  let host: FakeHost;
  let server: Server;
  let url: string;
  let archive: Buffer;
  let requests: string[];

  beforeEach(async () => {
    host = new FakeHost();
    mkdirSync(host.path("pack/prometheus-3"), { recursive: true });
    for (const name of ["prometheus", "promtool"])
      writeFileSync(host.path(`pack/prometheus-3/${name}`), name);
    execFileSync("tar", ["-czf", host.path("pack.tar.gz"), "-C", host.path("pack"), "."]);
    archive = readFileSync(host.path("pack.tar.gz"));
    requests = [];
    server = createServer((request, response) => {
      requests.push(request.url ?? "");
      if (request.url === "/gone") response.writeHead(404).end("no such thing");
      else response.end(archive);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    url = typeof address === "object" ? `http://127.0.0.1:${address?.port}` : "";
  });
  afterEach(() => {
    server.close();
    host.remove();
  });

  const inputsOf = (members: readonly string[], path = "/pack", digest = sha256(archive)) =>
    deliveryInputs({
      files: Object.fromEntries(
        members.map((member) => [
          host.file(member),
          {
            source: { url: `${url}${path}`, sha256: digest, member: `prometheus-3/${member}` },
            mode: "0755",
          },
        ]),
      ),
    });

  it("takes several members out of one download, and downloads nothing twice", async () => {
    const inputs = inputsOf(["prometheus", "promtool"]);
    await host.run(inputs);
    expect(host.read("promtool")).toBe("promtool");
    expect(requests).toEqual(["/pack"]);
    chmodSync(host.file("promtool"), 0o600);
    await host.run(inputs);
    expect(lstatSync(host.file("promtool")).mode & 0o777).toBe(0o755);
    expect(requests).toEqual(["/pack"]);
  });

  it("downloads again what was changed on the host", async () => {
    const inputs = inputsOf(["prometheus"]);
    await host.run(inputs);
    writeFileSync(host.file("prometheus"), "tampered");
    await host.run(inputs);
    expect(host.read("prometheus")).toBe("prometheus");
    expect(requests).toHaveLength(2);
  });

  it("installs a whole download where no member is named", async () => {
    const source = { url: `${url}/pack`, sha256: sha256(archive) };
    await host.run(deliveryInputs({ files: { [host.file("pack.tar.gz")]: { source } } }));
    expect(readFileSync(host.file("pack.tar.gz"))).toEqual(archive);
  });

  it("refuses another checksum and installs nothing", async () => {
    await expect(host.run(inputsOf(["prometheus"], "/pack", "0".repeat(64)))).rejects.toThrow(
      `has the checksum ${sha256(archive)}, expected 000`,
    );
    expect(() => host.read("prometheus")).toThrow();
  });

  it("gives the server's answer when the download fails", async () => {
    await expect(host.run(inputsOf(["prometheus"], "/gone"))).rejects.toThrow(
      /downloading .*\/gone failed: .*404/,
    );
  });

  it("names what the archive has instead of a missing member", async () => {
    await expect(host.run(inputsOf(["grafana"]))).rejects.toThrow(
      /has no file prometheus-3\/grafana; it begins with/,
    );
  });
});
