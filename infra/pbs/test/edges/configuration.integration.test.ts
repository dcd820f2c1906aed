import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { pbs } from "../../provider.ts";
import { openProtocol } from "../protocol.ts";

const right = { url: "https://127.0.0.1:8007", tokenId: "root@pam!pulumi", tokenSecret: "planted-4711" };
const address = "url: url is an https address, for example https://backup.example.org:8007";
const alone =
  "url: url is a host and a port alone; the provider adds /api2/json itself, and the token has properties of its own";
const seconds = "timeoutSeconds: timeoutSeconds is a number of seconds, for example 30";

/** The provider's answer to a configuration, or to the first call with it. */
async function refusalOf(config: object): Promise<string> {
  const protocol = await openProtocol(pbs);
  try {
    await protocol.configure({ ...config });
    await protocol.read("urn:pulumi:test::test::pbs:index:PruneJob::test", { id: "nightly" });
    return "";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    protocol.close();
  }
}

describe("a configuration is refused", () => {
  it.each([
    [
      "with nothing in it",
      {},
      `${address}\ntokenId: tokenId is missing; it is "name@realm!token", for example root@pam!pulumi\n` +
        "tokenSecret: tokenSecret is missing; it is the value that was shown when the token was made",
    ],
    ["with http", { ...right, url: "http://127.0.0.1:8007" }, address],
    ["with a name alone", { ...right, url: "backup.example.org" }, address],
    ["with a port that there cannot be", { ...right, url: "https://127.0.0.1:99999" }, address],
    ["with a path", { ...right, url: "https://127.0.0.1:8007/api2/json" }, alone],
    ["with a password in the address", { ...right, url: "https://me:planted@127.0.0.1:8007" }, alone],
    ["with a time-out in words", { ...right, timeoutSeconds: "soon" }, seconds],
    ["with no time at all", { ...right, timeoutSeconds: "0" }, seconds],
  ])("%s", async (_, config, message) => {
    expect(await refusalOf(config)).toBe(message);
  });
});

describe("a server that is not there", { timeout: 30_000 }, () => {
  it("is named with the port that it should have", async () => {
    const server = createServer((_, answer) => answer.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const url = `https://127.0.0.1:${port}`;
    const advice = `is the server running, its port right (a backup server listens on 8007, \`url\` names ${port}), and no firewall in between?`;
    expect(await refusalOf({ ...right, url })).toBe(
      `cannot connect to ${url}: what answers there does not speak TLS; ${advice}`,
    );
    await new Promise((resolve) => server.close(resolve));
    expect(await refusalOf({ ...right, url })).toBe(
      `cannot connect to ${url}: connect ECONNREFUSED 127.0.0.1:${port}; ${advice}`,
    );
  });

  it("has a name that somebody knows", async () => {
    expect(await refusalOf({ ...right, url: "https://nowhere.invalid:8007" })).toMatch(
      /^cannot connect to https:\/\/nowhere\.invalid:8007: getaddrinfo \w+ nowhere\.invalid; is the name in `url` right, and known to the name servers here\?$/,
    );
  });
});
