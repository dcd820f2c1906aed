import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { checkServerIdentity, connect, createServer } from "node:tls";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Certificates } from "../../infra/hosts/certificates.ts";
import { hostsProvider } from "../../infra/hosts/provider/provider.ts";
import { parseSite, type Site } from "../../infra/site.ts";
import { findPulumi, type TestStack, testStack } from "../../rehearsal/providers/testing.ts";
import lab from "../../stacks/lab.ts";

const engine = await findPulumi();
if (!engine) console.warn("skipped: pulumi is missing; ./lab doctor says how to get it");

interface Pair {
  readonly certificate: string;
  readonly privateKey: string;
}
/** What the hosts have once an update is through. */
interface Delivered {
  readonly trusted: string;
  readonly exporter: Pair;
  readonly primary: Pair;
  readonly scraper: Pair;
}

const base = parseSite(lab());
const members = ["proj-pg01", "proj-pg02", "proj-mon01"];
const guests = base.guests.filter(({ name }) => members.includes(name));
const [primary] = guests;
if (!primary) throw new Error("the lab has no proj-pg01");

/** What docs/site.md says to do, one update each. */
const updates: readonly Pick<Site["certificates"], "authority" | "alsoTrusted">[] = [
  { authority: "ca1", alsoTrusted: [] },
  { authority: "ca1", alsoTrusted: ["ca2"] },
  { authority: "ca2", alsoTrusted: ["ca1"] },
  { authority: "ca2", alsoTrusted: [] },
];

/** Nobody does all of it in one day. */
const betweenUpdatesMs = 19 * 86_400_000;

/** Whether two who use just these files speak: the server asks for a certificate where the client has one. */
async function speak(
  server: Pair & { readonly trusted: string },
  client: { readonly trusted: string; readonly pair?: Pair },
  calledBy: string,
): Promise<boolean> {
  const listener = createServer({
    cert: server.certificate,
    key: server.privateKey,
    ca: server.trusted,
    minVersion: "TLSv1.3",
    requestCert: client.pair !== undefined,
    rejectUnauthorized: client.pair !== undefined,
  });
  // With TLS 1.3 a client learns of its refusal only after its own part is done.
  listener.on("secureConnection", (socket) => socket.on("error", () => {}).end("welcome"));
  listener.on("tlsClientError", () => {});
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  try {
    return await new Promise<boolean>((resolve) => {
      const socket = connect({
        host: "127.0.0.1",
        port: (listener.address() as AddressInfo).port,
        ca: client.trusted,
        ...(client.pair ? { cert: client.pair.certificate, key: client.pair.privateKey } : {}),
        checkServerIdentity: (_, certificate) => checkServerIdentity(calledBy, certificate),
      });
      socket.on("data", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("close", () => resolve(false));
    });
  } finally {
    listener.close();
  }
}

/**
 * Every way in which an update can be half done: each host has been reached or not, and of one that is being
 * delivered to each file is the old or the new one. Names those in which somebody is refused.
 */
async function refusals(before: Delivered, after: Delivered): Promise<string[]> {
  const refused: string[] = [];
  const either = [before, after];
  const word = (each: Delivered) => (each === before ? "old" : "new");
  for (const own of either) {
    for (const serverTrust of either) {
      for (const clientTrust of either) {
        const names = `server ${word(own)}, client's trust ${word(clientTrust)}`;
        const replicates = await speak(
          { ...own.primary, trusted: serverTrust.trusted },
          { trusted: clientTrust.trusted },
          "proj-pg01.radioastronomy.io",
        );
        if (!replicates) refused.push(`replication: ${names}`);
        for (const client of either) {
          const scrapes = await speak(
            { ...own.exporter, trusted: serverTrust.trusted },
            { trusted: clientTrust.trusted, pair: client.scraper },
            primary?.address ?? "",
          );
          if (!scrapes)
            refused.push(`scrape: ${names}, server's trust ${word(serverTrust)}, client ${word(client)}`);
        }
      }
    }
  }
  return refused;
}

describe.skipIf(!engine)("another authority in the place of one", { timeout: 240_000 }, () => {
  let test: TestStack;
  // Handshakes go by the real clock, for which all that is signed on the way must still be good at the end.
  let now = new Date(Date.now() - 3 * betweenUpdatesMs - 3_600_000);
  let wanted = updates[0];
  const delivered: Delivered[] = [];

  const program = async () => {
    const site = { ...base, guests, certificates: { ...base.certificates, ...wanted } };
    const { trusted, hosts, databases, scraper } = new Certificates("certificates", { site });
    const pairs = { exporter: hosts.get("proj-pg01"), primary: databases.get("proj-pg01"), scraper };
    return { delivered: pulumi.secret(pulumi.output({ trusted, ...pairs })) };
  };
  const update = async (index: number) => {
    wanted = updates[index];
    const { outputs } = await test.stack.up();
    return outputs.delivered?.value as Delivered;
  };

  beforeAll(async () => {
    test = await testStack(
      engine ?? "",
      hostsProvider(() => now),
      program,
    );
    for (const index of updates.keys()) {
      delivered.push(await update(index));
      now = new Date(now.getTime() + betweenUpdatesMs);
    }
  }, 180_000);
  afterAll(() => test?.close());

  it.each([
    [1, "the new one is trusted"],
    [2, "it signs"],
    [3, "the old one goes"],
  ])("refuses nobody, however far update %i is: %s", async (index) => {
    const [before, after] = [delivered[index - 1], delivered[index]];
    if (!before || !after) throw new Error(`there was no update ${index}`);
    expect(await refusals(before, after)).toEqual([]);
  });

  it("keeps every key, so that none is ever beside a certificate that it does not fit", () => {
    for (const pair of ["exporter", "primary", "scraper"] as const) {
      expect(new Set(delivered.map((each) => each[pair].privateKey)).size).toBe(1);
    }
  });

  it("trusts both in between and the new one alone at the end, and what the old one signed is worth nothing", async () => {
    const counts = delivered.map(({ trusted }) => trusted.match(/BEGIN CERTIFICATE/g)?.length);
    expect(counts).toEqual([1, 2, 2, 1]);
    const [first, , , last] = delivered;
    if (!first || !last) throw new Error("there was no last update");
    expect(last.trusted).not.toContain(first.trusted);
    const old = { ...first.primary, trusted: last.trusted };
    expect(await speak(old, { trusted: last.trusted }, "proj-pg01.radioastronomy.io")).toBe(false);
    const { deployment } = await test.stack.exportStack();
    const { resources } = deployment as { resources: { urn: string }[] };
    const authorities = resources.filter(({ urn }) => urn.includes(":CertificateAuthority::"));
    expect(authorities.map(({ urn }) => urn.split("::").at(-1))).toEqual(["ca2"]);
  });

  it("would refuse somebody without the time in which both are trusted", async () => {
    const [first, , , last] = delivered;
    if (!first || !last) throw new Error("there was no last update");
    expect((await refusals(first, last)).length).toBeGreaterThan(0);
  });
});
