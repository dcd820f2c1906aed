import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { type DeliveryOutputs, delivery } from "../../infra/hosts/provider/delivery.ts";
import type { DeliveryInputs } from "../../infra/hosts/provider/inputs.ts";
import { connect, runCommand } from "../../infra/hosts/provider/ssh.ts";
import { makeSshKey } from "../../infra/hosts/provider/ssh-keys.ts";
import { deliveryInputs } from "../../infra/hosts/provider/testing/inputs.ts";
import type { Properties } from "../../infra/provider/values.ts";
import { deleteRecord, recordProcess, startRecord } from "./record.ts";

const hostKey = makeSshKey("host");
const loginKey = makeSshKey("login");
const userData = `#cloud-config\n${stringify({
  hostname: "proj-mon01",
  users: [{ name: "lab-admin", ssh_authorized_keys: [loginKey.publicKey] }],
  ssh_keys: { ed25519_private: hostKey.privateKey },
})}`;

const call = {
  client: null as never,
  urn: "urn:pulumi:test::lab::hosts:index:Delivery::host",
  signal: new AbortController().signal,
  timeoutSeconds: undefined,
};
const bag = (inputs: DeliveryInputs) => inputs as unknown as Properties;

describe("a recorded guest", () => {
  let folder: string;
  let port: number;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "lab-record-"));
    await startRecord({ folder }, { address: "127.0.0.1", port: 0 }, userData);
    port = Number(/port (\d+)\n/.exec(await readFile(join(folder, "console.log"), "utf8"))?.[1]);
  });
  afterEach(() => deleteRecord({ folder }));

  const connection = (changes: object = {}) => ({
    address: "127.0.0.1",
    port,
    user: "lab-admin",
    privateKey: loginKey.privateKey,
    hostKey: hostKey.publicKey,
    connectTimeoutSeconds: 10,
    ...changes,
  });
  const inputs = (content: string) =>
    deliveryInputs({
      connection: connection(),
      packages: ["no-such-package-anywhere"],
      users: [{ name: "prometheus", groups: [] }],
      directories: { "/var/lib/prometheus": { owner: "prometheus", group: "prometheus", mode: "0750" } },
      files: {
        "/etc/prometheus/prometheus.yml": {
          content,
          owner: "prometheus",
          group: "prometheus",
          mode: "0640",
          activates: ["prometheus.service"],
        },
      },
      units: [
        {
          name: "prometheus.service",
          content: "[Service]\nExecStart=/usr/bin/prometheus\n[Install]\nWantedBy=multi-user.target\n",
        },
        { name: "ssh.service" },
      ],
    });

  it("takes a delivery into its folder, records activations, and shows no drift", async () => {
    const wanted = inputs("a: 1\n");
    const { id, outputs } = await delivery.create(call, bag(wanted));
    expect(Object.keys((outputs as DeliveryOutputs).installed).sort()).toEqual([
      "/etc/prometheus/prometheus.yml",
      "/etc/systemd/system/prometheus.service",
    ]);
    const file = join(folder, "root/etc/prometheus/prometheus.yml");
    expect(await readFile(file, "utf8")).toBe("a: 1\n");
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readFile(join(folder, "activations"), "utf8")).toBe(
      "daemon-reload\nenable prometheus.service\nenable ssh.service\nstart prometheus.service\nstart ssh.service\n",
    );
    const found = await delivery.read(call, id, { inputs: bag(wanted), outputs });
    expect(found?.inputs).toEqual(wanted);
  });

  it("tells a file that was edited in the folder", async () => {
    const wanted = inputs("a: 1\n");
    const { id, outputs } = await delivery.create(call, bag(wanted));
    await rm(join(folder, "root/etc/prometheus/prometheus.yml"));
    const found = await delivery.read(call, id, { inputs: bag(wanted), outputs });
    expect(found?.inputs).not.toEqual(wanted);
  });

  it("keeps what was delivered when it starts again", async () => {
    const { id, outputs } = await delivery.create(call, bag(inputs("a: 1\n")));
    const { stopRecord } = await import("./record.ts");
    await stopRecord({ folder });
    expect(await recordProcess({ folder })).toBeUndefined();
    await startRecord({ folder }, { address: "127.0.0.1", port }, userData);
    await delivery.update(call, id, { inputs: bag(inputs("a: 1\n")), outputs }, bag(inputs("a: 2\n")));
    expect(await readFile(join(folder, "root/etc/prometheus/prometheus.yml"), "utf8")).toBe("a: 2\n");
  });

  it("lets nobody in with another key, and runs no other command", async () => {
    const other = makeSshKey("other");
    const signal = AbortSignal.timeout(20_000);
    await expect(connect(connection({ privateKey: other.privateKey }), 1, signal)).rejects.toThrow(
      "refuses the key",
    );
    const client = await connect(connection(), 5, signal);
    const result = await runCommand(client, "id", [], signal);
    client.end();
    expect(result).toMatchObject({
      status: 127,
      stderr: "this guest is a record of what was delivered to it: it runs no commands\n",
    });
  });
});
