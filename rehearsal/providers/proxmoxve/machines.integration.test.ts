import { createHash } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import * as proxmoxve from "@muhlba91/pulumi-proxmoxve";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Machines } from "../../../infra/hosts/machines.ts";
import { provider as hostsProvider } from "../../../infra/hosts/provider/provider.ts";
import { serve } from "../../../infra/provider/server.ts";
import { parseSite, type Site } from "../../../infra/site.ts";
import lab from "../../../stacks/lab.ts";
import { adminToken, startTestCluster, type TestCluster, testConfig } from "../../pve/testing.ts";
import { findPulumi, type TestStack, testStack } from "../testing.ts";
import { proxmoxveProvider } from "./provider.ts";

const engine = await findPulumi();
if (!engine) console.warn("skipped: pulumi is missing; ./lab doctor says how to get it");

/** The node takes images that begin like a squashfs. */
const image = (content: string) => Buffer.from(`hsqs${content}`);
const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");

interface Wish {
  guests: number;
  atOnce: number;
  image: string;
  fileName: string;
  generation: number;
}

interface Inputs {
  readonly disks?: readonly { readonly importFrom?: string }[];
}

const base = parseSite(lab());

describe.skipIf(!engine)("the guests of a site on a small node", { timeout: 240_000 }, () => {
  let pve: TestCluster;
  let mirror: Server;
  let hosts: Awaited<ReturnType<typeof serve>>;
  let test: TestStack;
  let wish: Wish = { guests: 12, atOnce: 12, image: "one", fileName: "debian.raw", generation: 1 };

  function site(): Site {
    const [guest] = base.guests.filter(({ managed }) => managed);
    const mirrorUrl = `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
    if (!guest) throw new Error("the lab has no guest that the program makes");
    const { backupDisk: _, ...plain } = guest;
    return {
      ...base,
      disposable: true,
      proxmox: {
        ...base.proxmox,
        nodes: [{ name: "pve1", address: "127.0.0.1" }],
        storage: { images: "local", snippets: "local", disks: "local-lvm" },
        parallelCreatesPerNode: wish.atOnce,
      },
      networks: { lab: { cidr: "127.0.0.0/24", bridge: "vmbr0", dnsServers: [] } },
      images: {
        debian: {
          url: `${mirrorUrl}/${wish.image}`,
          sha256: digest(image(wish.image)),
          fileName: wish.fileName,
        },
      },
      guests: Array.from({ length: wish.guests }, (_unused, index) => ({
        ...plain,
        id: 300 + index,
        name: `g${index}`,
        node: "pve1",
        image: "debian",
        imageGeneration: index === 0 ? wish.generation : 1,
        cores: 1,
        network: "lab",
        address: `127.0.0.${20 + index}`,
        diskGib: 8,
      })),
    };
  }

  const program = async () => {
    const provider = new proxmoxve.Provider("pve", {
      endpoint: pve.url,
      apiToken: `${adminToken.id}=${adminToken.secret}`,
    });
    new Machines(
      "machines",
      { site: site() },
      {
        providers: [provider],
        transforms: [
          // Making them is what a node is slow at; nothing has to run for that.
          ({ type, props, opts }) =>
            type === "proxmoxve:index/vmLegacy:VmLegacy"
              ? { props: { ...props, started: false }, opts }
              : undefined,
        ],
      },
    );
  };
  const want = (changes: Partial<Wish>) => {
    wish = { ...wish, ...changes };
  };
  const vmids = async () =>
    (await pve.client.ok<{ vmid: number }[]>("GET", "/nodes/pve1/qemu")).map(({ vmid }) => vmid);

  beforeAll(async () => {
    const small = { name: "pve1", parallelCreates: 2, createSeconds: 1.5 };
    pve = await startTestCluster(testConfig({ nodes: [small], lockTimeoutSeconds: 1 }));
    mirror = createServer((request, response) => response.end(image(request.url?.slice(1) ?? "")));
    await new Promise<void>((resolve) => mirror.listen(0, "127.0.0.1", resolve));
    hosts = await serve(hostsProvider);
    test = await testStack(engine ?? "", proxmoxveProvider, program, [{ name: "hosts", port: hosts.port }]);
  });
  afterAll(async () => {
    await test?.close();
    hosts?.close();
    mirror?.close();
    await pve?.close();
  });

  it("fail on the storage's lock when all are made at once", async () => {
    await expect(test.stack.up()).rejects.toThrow(
      "can't lock file '/var/lock/pve-manager/pve-storage-local-lvm' - got timeout",
    );
    expect((await vmids()).length).toBeLessThan(12);
  });

  it("are made two at a time, and one more changes none of them", async () => {
    want({ atOnce: 2 });
    await test.stack.up();
    expect(await vmids()).toHaveLength(12);
    want({ guests: 13 });
    const { summary } = await test.stack.up();
    expect(summary.resourceChanges).not.toHaveProperty("replace");
    expect(summary.resourceChanges).not.toHaveProperty("update");
    expect(await vmids()).toHaveLength(13);
  });

  it("stay as they are when their image changes, and the one that asks for it is made anew", async () => {
    want({ image: "two" });
    const changed = await test.stack.preview();
    expect(changed.changeSummary).toMatchObject({ replace: 1 });
    expect(changed.stdout).not.toMatch(/VmLegacy .*replace/);
    want({ generation: 2 });
    const rolled = await test.stack.preview();
    expect(rolled.changeSummary).toMatchObject({ replace: 2 });
    expect(rolled.stdout).toMatch(/VmLegacy\s+g0\s+replace/);
    want({ image: "one", generation: 1 });
  });

  it("stay as they are when their image is kept under another name, and one made anew takes that", async () => {
    const importedBy = async () => {
      const { deployment } = await test.stack.exportStack();
      const { resources } = deployment as { resources: { urn: string; inputs: Inputs }[] };
      const volumes = resources
        .filter(({ urn }) => urn.includes("VmLegacy::"))
        .map(({ urn, inputs }) => [urn.split("::").at(-1), inputs.disks?.[0]?.importFrom]);
      return Object.fromEntries(volumes);
    };
    want({ guests: 2, image: "two", fileName: "debian-2.raw" });
    const told = await test.stack.preview();
    expect(told.stdout).not.toMatch(/VmLegacy .*(replace|update)/);
    expect(told.stdout).toContain(
      "g0 stays as it is, made from local:import/debian.raw; a higher imageGeneration makes it anew from local:import/debian-2.raw",
    );
    const renamed = await test.stack.up();
    // The image's file is another one, and what its guests keep is recorded.
    expect(renamed.summary.resourceChanges).toMatchObject({ replace: 1, update: 1 });
    expect(await importedBy()).toEqual({ g0: "local:import/debian.raw", g1: "local:import/debian.raw" });
    want({ generation: 2 });
    const rolled = await test.stack.up();
    expect(rolled.summary.resourceChanges).toMatchObject({ replace: 1 });
    expect(await importedBy()).toEqual({ g0: "local:import/debian-2.raw", g1: "local:import/debian.raw" });
    expect((await test.stack.preview()).changeSummary).toEqual({ same: expect.any(Number) });
  });

  it("are removed again", async () => {
    await test.stack.destroy();
    expect(await vmids()).toEqual([]);
  });
});
