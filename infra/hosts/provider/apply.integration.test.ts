import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeHost, type HostEvent, notRoot } from "./testing/fake-host.ts";
import { deliveryInputs } from "./testing/inputs.ts";

const service = "[Service]\nExecStart=/usr/bin/exporter\n[Install]\nWantedBy=multi-user.target\n";

const named = (events: readonly HostEvent[], event: string) =>
  events.filter((entry) => entry.event === event);
const paths = (events: readonly HostEvent[], event: string) =>
  named(events, event).map((entry) => entry.path);

describe.skipIf(notRoot)("applying a plan on a host", { timeout: 60_000 }, () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost();
  });
  afterEach(() => host.remove());

  const withFiles = (files: Record<string, string>, more: object = {}) =>
    deliveryInputs({
      files: Object.fromEntries(
        Object.entries(files).map(([name, content]) => [host.file(name), { content }]),
      ),
      ...more,
    });

  it("installs files with mode and owner, and nothing the second time", async () => {
    const inputs = deliveryInputs({ files: { [host.file("a/b.conf")]: { content: "é\0\n", mode: "0640" } } });
    expect(paths(await host.run(inputs), "changed")).toEqual([host.file("a/b.conf")]);
    expect(host.read("a/b.conf")).toBe("é\0\n");
    expect(lstatSync(host.file("a/b.conf")).mode & 0o7777).toBe(0o640);
    expect((await host.run(inputs)).map((event) => event.event)).toEqual(["done"]);
  });

  it("installs again only what changed in content or mode", async () => {
    await host.run(withFiles({ a: "1", b: "1", c: "1" }));
    chmodSync(host.file("c"), 0o666);
    expect(paths(await host.run(withFiles({ a: "1", b: "2", c: "1" })), "changed")).toEqual([
      host.file("b"),
      host.file("c"),
    ]);
    expect(lstatSync(host.file("c")).mode & 0o7777).toBe(0o644);
  });

  it("replaces a symbolic link instead of writing through it", async () => {
    writeFileSync(host.path("victim"), "untouched");
    symlinkSync(host.path("victim"), host.file("a"));
    await host.run(withFiles({ a: "new" }));
    expect(readFileSync(host.path("victim"), "utf8")).toBe("untouched");
    expect(lstatSync(host.file("a")).isSymbolicLink()).toBe(false);
  });

  it("refuses a directory in a file's place before anything changes", async () => {
    mkdirSync(host.file("b"));
    await expect(host.run(withFiles({ a: "1", b: "1" }))).rejects.toThrow(/files\/b is a directory/);
    expect(existsSync(host.file("a"))).toBe(false);
  });

  it("refuses an owner that the host does not know before anything changes", async () => {
    const inputs = deliveryInputs({ files: { [host.file("a")]: { content: "1", owner: "nobody-knows" } } });
    await expect(host.run(inputs)).rejects.toThrow(/no user nobody-knows; name it in users/);
    expect(existsSync(host.file("a"))).toBe(false);
  });

  it("removes files, and folders that it made, when the plan no longer names them", async () => {
    await host.run(withFiles({ "made/deep/a": "1", b: "1" }));
    const events = await host.run(withFiles({ b: "1" }));
    expect(paths(events, "removed")).toEqual([host.file("made/deep/a")]);
    expect(existsSync(host.file("made"))).toBe(false);
  });

  it("leaves a folder in which others have put something", async () => {
    await host.run(withFiles({ "made/a": "1" }));
    writeFileSync(host.file("made/foreign"), "");
    await host.run(withFiles({}));
    expect(readdirSync(host.file("made"))).toEqual(["foreign"]);
  });

  it("reports a directory's mode as it is written, set-group-id bit included", async () => {
    const inputs = deliveryInputs({ directories: { [host.file("shared")]: { mode: "02775" } } });
    await host.run(inputs);
    const facts = (await host.run(inputs, { mode: "facts" })).at(-1);
    expect(facts).toMatchObject({
      directories: { [host.file("shared")]: { kind: "directory", mode: "02775" } },
    });
  });

  it("makes described directories and corrects their mode", async () => {
    const inputs = deliveryInputs({ directories: { [host.file("spool")]: { mode: "0750" } } });
    await host.run(inputs);
    chmodSync(host.file("spool"), 0o777);
    expect(paths(await host.run(inputs), "directory")).toEqual([host.file("spool")]);
    expect(lstatSync(host.file("spool")).mode & 0o7777).toBe(0o750);
  });

  it("creates users that are missing and leaves others alone", async () => {
    await host.run(deliveryInputs({ users: [{ name: "root" }, { name: "exporter-x", home: "/srv/x" }] }));
    expect(host.calls()).toEqual([
      "useradd --system --shell /usr/sbin/nologin --no-create-home --user-group --home-dir /srv/x exporter-x",
    ]);
  });

  it("removes everything on delete, twice without complaint", async () => {
    const inputs = withFiles({ "made/a": "1" }, { units: [{ name: "x.service", content: service }] });
    await host.run(inputs);
    await host.run(inputs, { mode: "remove" });
    expect([readdirSync(host.units), readdirSync(host.file("")), readdirSync(host.state)]).toEqual([
      [],
      [],
      [],
    ]);
    await host.run(inputs, { mode: "remove" });
  });

  it("does not remove what a newer resource has taken over", async () => {
    const inputs = withFiles({ a: "1" });
    await host.run(inputs, { identity: { id: "lab/old", owner: "urn:test" } });
    await host.run(inputs, { identity: { id: "lab/new", owner: "urn:test" } });
    await host.run(inputs, { mode: "remove", identity: { id: "lab/old", owner: "urn:test" } });
    expect(host.read("a")).toBe("1");
  });

  it("refuses a second resource of the same name, and a file of another delivery", async () => {
    await host.run(withFiles({ a: "1" }));
    const other = { identity: { id: "lab/2", owner: "urn:other" } };
    await expect(host.run(withFiles({ b: "1" }), other)).rejects.toThrow(
      /"lab" on this host belongs to urn:test/,
    );
    await expect(host.run(withFiles({ a: "2" }, { name: "second" }), other)).rejects.toThrow(
      /already belongs to delivery "lab"/,
    );
    expect(host.read("a")).toBe("1");
  });

  it("leaves no partial file when killed anywhere, and the next run ends what was begun", async () => {
    const names = Array.from({ length: 120 }, (_, index) => `f${index}`);
    const inputs = (version: string) =>
      deliveryInputs({
        files: Object.fromEntries(
          names.map((name) => [
            host.file(name),
            { content: version.repeat(50_000), activates: name === "f0" ? ["x.service"] : [] },
          ]),
        ),
        units: [{ name: "x.service", content: service }],
      });
    await host.run(inputs("0"));
    for (const [round, killAt] of [1, 37, 90].entries()) {
      const version = `${round + 1}`;
      const run = host.start(inputs(version));
      await run.until(() => named(run.events, "changed").length >= killAt);
      run.process.kill("SIGKILL");
      await run.ended;
      expect(named(run.events, "done")).toEqual([]);
      for (const name of names) {
        expect([`${round}`.repeat(50_000), version.repeat(50_000)]).toContain(host.read(name));
      }
      host.calls();
      await host.run(inputs(version));
      expect(names.every((name) => host.read(name) === version.repeat(50_000))).toBe(true);
      expect(host.calls()).toEqual(["restart x.service"]);
      expect(readdirSync(host.file("")).filter((name) => name.startsWith(".lab-"))).toEqual([]);
      expect(readdirSync(`${host.state}/lab`).sort()).toEqual(["lock", "manifest.json"]);
    }
  });

  it("lets a second run wait, and tells who holds the lock when that takes too long", async () => {
    const big = withFiles(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`f${index}`, "x"])));
    const first = host.start(big);
    await first.until((event) => event.event === "changed");
    first.process.kill("SIGSTOP");
    await expect(host.run(withFiles({ a: "1" }), { lockWaitSeconds: 0.2 })).rejects.toThrow(
      `delivery "lab" is locked by process ${first.process.pid} since `,
    );
    const waiting = host.start(withFiles({ a: "1" }), { lockWaitSeconds: 30 });
    first.process.kill("SIGCONT");
    expect(await first.ended).toMatchObject({ event: "done" });
    expect(await waiting.ended).toMatchObject({ event: "done" });
    expect(readdirSync(host.file(""))).toEqual(["a"]);
  });

  it("refuses what the file system has no room for before anything changes", async () => {
    await host.run(withFiles({ old: "1" }));
    const inputs = withFiles({ "small/a": "1", "small/b": "x".repeat(600_000) });
    mkdirSync(host.file("small"));
    const mount = `mount -t tmpfs -o size=256k tmpfs ${host.file("small")} && exec "$@"`;
    const prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh"];
    await expect(host.run(inputs, { prefix })).rejects.toThrow(/256 KiB free and \d+ KiB are needed/);
    expect(host.read("old")).toBe("1");
  });

  it("reports what is there without changing anything", async () => {
    const inputs = withFiles({ a: "1", b: "1" }, { units: [{ name: "x.service", content: service }] });
    await host.run(inputs);
    rmSync(host.file("a"));
    const facts = (await host.run(inputs, { mode: "facts" })).at(-1);
    expect(facts).toMatchObject({
      exists: true,
      files: { [host.file("a")]: { kind: "missing" }, [host.file("b")]: { kind: "file", mode: "0644" } },
      units: { "x.service": { enabled: true, state: "started" } },
    });
    expect(existsSync(host.file("a"))).toBe(false);
  });
});
