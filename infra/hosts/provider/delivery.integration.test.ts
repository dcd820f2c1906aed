import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Properties } from "../../provider/values.ts";
import { sha256 } from "./canonical.ts";
import { type DeliveryOutputs, delivery } from "./delivery.ts";
import type { DeliveryInputs } from "./inputs.ts";
import { makeSshKey } from "./ssh-keys.ts";
import { deliveryInputs } from "./testing/inputs.ts";
import { noSshd, SshHost } from "./testing/ssh-host.ts";

const service = "[Service]\nExecStart=/usr/bin/exporter\n[Install]\nWantedBy=multi-user.target\n";

const call = (signal = new AbortController().signal) => ({
  client: null as never,
  urn: "urn:pulumi:test::lab::hosts:index:Delivery::host",
  signal,
  timeoutSeconds: undefined,
});
const bag = (inputs: DeliveryInputs) => inputs as unknown as Properties;

describe.skipIf(noSshd)("delivering over SSH", { timeout: 60_000 }, () => {
  let host: SshHost;
  beforeEach(async () => {
    host = new SshHost();
    await host.startSshd();
  });
  afterEach(async () => {
    await host.stopSshd();
    host.remove();
  });

  const inputsOf = (given: Parameters<typeof deliveryInputs>[0], connection = {}) =>
    deliveryInputs({ connection: host.connection(connection), ...given });

  async function create(inputs: DeliveryInputs) {
    const { id, outputs } = await delivery.create(call(), bag(inputs));
    return { id, outputs: outputs as DeliveryOutputs };
  }
  async function read(id: string, inputs: DeliveryInputs) {
    const found = await delivery.read(call(), id, { inputs: bag(inputs), outputs: {} });
    return found as { inputs: DeliveryInputs; outputs: DeliveryOutputs } | undefined;
  }

  const sample = () =>
    inputsOf({
      files: {
        [host.file("a.conf")]: { content: "a" },
        [host.file("b.conf")]: { content: "b", activates: ["x.service"] },
        [host.file("secret.env")]: { content: "TOKEN=s3cret-token-value\n", sensitive: true },
      },
      directories: { [host.file("spool")]: {} },
      units: [{ name: "x.service", content: service }],
    });

  it("installs, starts and tells what is installed, except what is sensitive", async () => {
    const { outputs } = await create(sample());
    expect(host.read("b.conf")).toBe("b");
    expect(readdirSync(host.units)).toEqual(["x.service"]);
    expect(host.unitState("x.service")).toMatchObject({ enabled: true, state: "active" });
    expect(outputs.installed).toEqual({
      [host.file("a.conf")]: sha256("a"),
      [host.file("b.conf")]: sha256("b"),
      "/etc/systemd/system/x.service": sha256(service),
    });
    expect(readdirSync(`${host.state}/lab-delivery/lab`).sort()).toEqual(["lock", "manifest.json"]);
  });

  it("stops a unit that keeps it out over the connection that still stands", async () => {
    const unit = service.replace("/usr/bin/exporter", "/usr/sbin/close-all-ports");
    const units = (content: string) => [{ name: "firewall.service", content, stopIfUnreachable: true }];
    await create(inputsOf({ units: units(service) }));
    host.calls();
    await expect(create(inputsOf({ units: units(unit) }, { connectTimeoutSeconds: 2 }))).rejects.toThrow(
      /^127\.0\.0\.1 took the delivery and then no new connection: root@127\.0\.0\.1 port \d+ cannot be reached .*; stopped firewall\.service again\. Let the machine/,
    );
    expect(host.calls()).toEqual(["daemon-reload", "restart firewall.service", "stop firewall.service"]);
  });

  it("carries a bundle of megabytes and hundreds of files", async () => {
    const bundle = randomBytes(1_500_000).toString("base64");
    const small = Array.from({ length: 200 }, (_, index) => [
      host.file(`many/${index}`),
      { content: `${index}` },
    ]);
    await create(
      inputsOf({
        files: {
          [host.file("bundle.js")]: { content: bundle },
          [host.file("empty")]: { content: "" },
          ...Object.fromEntries(small),
        },
      }),
    );
    expect(host.read("bundle.js")).toBe(bundle);
    expect(host.read("empty")).toBe("");
    expect(readdirSync(host.file("many"))).toHaveLength(200);
  });

  it("reads back just what was delivered when nothing changed", async () => {
    const inputs = sample();
    const { id, outputs } = await create(inputs);
    expect(await read(id, inputs)).toEqual({ inputs, outputs });
  });

  it("shows what was changed, removed and stopped on the host, and mends it", async () => {
    const inputs = sample();
    const { id } = await create(inputs);
    writeFileSync(host.file("a.conf"), "edited");
    chmodSync(host.file("b.conf"), 0o600);
    rmSync(host.file("spool"), { recursive: true });
    rmSync(host.file("secret.env"));
    const stopped = { "x.service": { enabled: false, state: "inactive", result: "success" } };
    writeFileSync(host.path("systemd/state.json"), JSON.stringify(stopped));

    const found = await read(id, inputs);
    const at = (name: string) => found?.inputs.files[host.file(name)];
    expect(at("a.conf")?.content).toBe(
      `<changed on the host: sha256 ${sha256("edited")}, mode 0644, owner root:root>`,
    );
    expect(at("b.conf")).toEqual({ ...inputs.files[host.file("b.conf")], mode: "0600" });
    expect(at("secret.env")).toBeUndefined();
    expect(found?.inputs.directories).toEqual({});
    expect(found?.inputs.units).toEqual([{ ...inputs.units[0], enabled: false, state: "stopped" }]);

    const recorded = { inputs: bag(found?.inputs ?? inputs), outputs: { ...found?.outputs } };
    await delivery.update(call(), id, recorded, bag(inputs));
    expect((await read(id, inputs))?.inputs).toEqual(inputs);
  });

  it("shows a link in a file's place and hides a sensitive file's digest", async () => {
    const inputs = sample();
    const { id } = await create(inputs);
    rmSync(host.file("a.conf"));
    symlinkSync("b.conf", host.file("a.conf"));
    writeFileSync(host.file("secret.env"), "TOKEN=other");
    const found = await read(id, inputs);
    expect(found?.inputs.files[host.file("a.conf")]?.content).toBe(
      "<changed on the host: now a symbolic link>",
    );
    expect(found?.inputs.files[host.file("secret.env")]?.content).toBe("<changed on the host>");
    expect(Object.keys(found?.outputs.installed ?? {})).not.toContain(host.file("secret.env"));
  });

  it("does not exist on a host that was built anew", async () => {
    const inputs = sample();
    const { id } = await create(inputs);
    rmSync(`${host.state}/lab-delivery`, { recursive: true });
    expect(await read(id, inputs)).toBeUndefined();
  });

  it("does not contact the host when only the connection changes", async () => {
    const inputs = sample();
    const { id, outputs } = await create(inputs);
    await host.stopSshd();
    const wanted = { ...inputs, connection: { ...inputs.connection, address: "192.0.2.9" } };
    expect(
      await delivery.update(call(), id, { inputs: bag(inputs), outputs: { ...outputs } }, bag(wanted)),
    ).toEqual(outputs);
  });

  it("removes everything on delete", async () => {
    const inputs = sample();
    const { id, outputs } = await create(inputs);
    await delivery.delete(call(), id, { inputs: bag(inputs), outputs: { ...outputs } });
    expect(readdirSync(host.file(""))).toEqual([]);
    expect(readdirSync(host.units)).toEqual([]);
    expect(host.unitState("x.service")).toMatchObject({ enabled: false, state: "inactive" });
  });

  it("tells how to forget a host that is gone", async () => {
    const inputs = sample();
    const { id, outputs } = await create(inputs);
    await host.stopSshd();
    const gone = { ...inputs, connection: { ...inputs.connection, connectTimeoutSeconds: 1 } };
    await expect(delivery.delete(call(), id, { inputs: bag(gone), outputs: { ...outputs } })).rejects.toThrow(
      /cannot be reached \(.*ECONNREFUSED.*\)[\s\S]*pulumi state delete 'urn:pulumi:test/,
    );
  });

  it("refuses another host key at once and names both fingerprints", async () => {
    const other = makeSshKey("other");
    await expect(create(inputsOf({}, { hostKey: other.publicKey }))).rejects.toThrow(
      `has the host key ${host.hostKey.fingerprint}, expected ${other.fingerprint}`,
    );
  });

  it("names the key that the host refuses", async () => {
    const other = makeSshKey("other");
    const refused = create(inputsOf({}, { privateKey: other.privateKey, connectTimeoutSeconds: 2 }));
    await expect(refused).rejects.toThrow(`refuses the key ${other.fingerprint}`);
  });

  it("waits for a host that is still booting", async () => {
    await host.stopSshd();
    const created = create(sample());
    await expect(Promise.race([created, host.startSshd()])).resolves.toBeUndefined();
    expect((await created).id).toMatch(/^lab\//);
  });

  it("ends when the update is cancelled", async () => {
    await host.stopSshd();
    const cancel = new AbortController();
    const created = delivery.create(call(cancel.signal), bag(sample()));
    cancel.abort(new Error("the update was cancelled"));
    await expect(created).rejects.toThrow();
  });

  it("gives the host's own message when a service fails, without secrets", async () => {
    const failing = service.replace(
      "/usr/bin/exporter",
      "/bin/false\nComplaint=bad token s3cret-token-value",
    );
    const inputs = { ...sample(), units: sample().units.map((unit) => ({ ...unit, content: failing })) };
    const message = await create(inputs).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(message).toMatch(
      /x.service does not stay up[\s\S]*cannot read its configuration: bad token \[secret\]/,
    );
  });

  it("shows no secret in any process's arguments", async () => {
    const seen = new Set<string>();
    const sampling = setInterval(() => {
      for (const line of commandLines()) seen.add(line);
    }, 2);
    const inputs = sample();
    const { id, outputs } = await create(inputs);
    await delivery.delete(call(), id, { inputs: bag(inputs), outputs: { ...outputs } });
    clearInterval(sampling);
    expect([...seen].some((line) => line.includes("lab-delivery/lab/incoming"))).toBe(true);
    const key = host.loginKey.privateKey.split("\n")[2] ?? "";
    expect([...seen].filter((line) => line.includes("s3cret-token") || line.includes(key))).toEqual([]);
  });

  it("gives the reason when the upload cannot be unpacked, and leaves nothing of it", async () => {
    writeFileSync(`${host.bin}/tar`, "#!/bin/sh\necho 'tar: No space left on device' >&2\nexit 2\n", {
      mode: 0o755,
    });
    await expect(create(sample())).rejects.toThrow(/did not come to its end: tar: No space left on device/);
    expect(existsSync(host.file("a.conf"))).toBe(false);
    expect(readdirSync(`${host.state}/lab-delivery/lab/incoming`)).toEqual([]);
  });
});

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
      } catch {
        return [];
      }
    });
}
