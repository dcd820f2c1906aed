import { existsSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeHost, notRoot } from "./testing/fake-host.ts";
import { deliveryInputs } from "./testing/inputs.ts";

describe.skipIf(notRoot)("packages and contents that a program has to accept", { timeout: 60_000 }, () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost();
    for (const name of ["chrony", "nftables"]) host.offerPackage(name);
  });
  afterEach(() => host.remove());

  it("installs what is missing with fresh lists, and nothing a second time", async () => {
    await host.run(deliveryInputs({ packages: ["chrony"] }));
    expect(host.packageCalls()).toEqual(["update", "install chrony"]);
    await host.run(deliveryInputs({ packages: ["chrony", "nftables"] }));
    expect(host.packageCalls()).toEqual(["update", "install nftables"]);
    await host.run(deliveryInputs({ packages: ["chrony", "nftables"] }));
    expect(host.packageCalls()).toEqual([]);
    const [facts] = (await host.run(deliveryInputs({ packages: ["chrony"] }), { mode: "facts" })).slice(-1);
    expect(facts?.packages).toEqual(["chrony"]);
  });

  it("says which package cannot be had, before any file changes", async () => {
    const path = host.file("a");
    const inputs = deliveryInputs({ packages: ["chrony", "chronny"], files: { [path]: { content: "1" } } });
    await expect(host.run(inputs)).rejects.toThrow(
      "installing chrony, chronny failed: E: Unable to locate package chronny; no file of the delivery was changed",
    );
    expect(existsSync(path)).toBe(false);
  });

  it("waits for whoever holds the package lists", async () => {
    writeFileSync(host.path("packages/held"), "1");
    await host.run(deliveryInputs({ packages: ["chrony"] }));
    expect(host.packageCalls()).toEqual(["update", "update", "install chrony"]);
  });

  it("changes nothing where the program that a file names refuses its content", async () => {
    const [path, other] = [host.file("rules"), host.file("other")];
    const inputs = (content: string) =>
      deliveryInputs({
        files: {
          [other]: { content },
          [path]: {
            content,
            validate: [
              "/bin/sh",
              "-c",
              'grep -q good "$1" || { echo "line 1: $(cat "$1")" >&2; exit 1; }',
              "x",
              "%s",
            ],
          },
        },
      });
    await host.run(inputs("good"));
    await expect(host.run(inputs("bad"))).rejects.toThrow(
      `${path} stays as it was: checking what was to be delivered failed: line 1: bad`,
    );
    expect([host.read("rules"), host.read("other")]).toEqual(["good", "good"]);
  });
});
