import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeHost, notRoot } from "./testing/fake-host.ts";
import { deliveryInputs } from "./testing/inputs.ts";

const service = "[Service]\nExecStart=/usr/bin/exporter\n[Install]\nWantedBy=multi-user.target\n";
const dying = service.replace("/usr/bin/exporter", "/bin/false");
const oneshot = "[Service]\nType=oneshot\nExecStart=/usr/bin/setup\n";

describe.skipIf(notRoot)("activating units on a host", { timeout: 60_000 }, () => {
  let host: FakeHost;
  beforeEach(() => {
    host = new FakeHost();
  });
  afterEach(() => host.remove());

  it("enables and starts a new unit after a daemon-reload", async () => {
    await host.run(deliveryInputs({ units: [{ name: "x.service", content: service }] }));
    expect(host.calls()).toEqual(["daemon-reload", "enable x.service", "start x.service"]);
    expect(host.unitState("x.service")).toMatchObject({ enabled: true, state: "active" });
  });

  describe("when files of units change", () => {
    const inputs = (version: string, unit = service) =>
      deliveryInputs({
        files: {
          [host.file("r1")]: { content: version, activates: ["reloads.service"] },
          [host.file("r2")]: { content: version, activates: ["reloads.service", "restarts.service"] },
          [host.file("s")]: { content: version, activates: ["restarts.service"] },
        },
        units: [
          { name: "restarts.service", content: service },
          { name: "reloads.service", content: unit, reloadable: true },
          { name: "other.service", content: service },
        ],
      });

    it("reloads first, then restarts, each once, and leaves the others alone", async () => {
      await host.run(inputs("1"));
      host.calls();
      await host.run(inputs("2"));
      expect(host.calls()).toEqual(["reload reloads.service", "restart restarts.service"]);
    });

    it("restarts a reloadable unit whose own description changed", async () => {
      await host.run(inputs("1"));
      host.calls();
      await host.run(inputs("1", `${service}# 2\n`));
      expect(host.calls()).toEqual(["daemon-reload", "restart reloads.service"]);
    });

    it("reloads when a file is removed", async () => {
      await host.run(inputs("1"));
      host.calls();
      const { files, ...rest } = inputs("1");
      const { [host.file("r1")]: _, ...kept } = files;
      await host.run({ ...rest, files: kept });
      expect(host.calls()).toEqual(["reload reloads.service"]);
    });

    it("gives a failing reload's own words and retries it in the next run", async () => {
      const broken = service.replace("[Install]", "ExecReload=/bin/false\n[Install]");
      await host.run(inputs("1", broken));
      await expect(host.run(inputs("2", broken))).rejects.toThrow(
        /systemctl reload reloads.service failed[\s\S]*keeps its old configuration/,
      );
      host.calls();
      await expect(host.run(inputs("2", broken))).rejects.toThrow();
      expect(host.calls()).toEqual(["reload reloads.service"]);
    });
  });

  it("starts what somebody stopped, enables what somebody disabled", async () => {
    const inputs = deliveryInputs({ units: [{ name: "x.service", content: service }] });
    await host.run(inputs);
    const stopped = { "x.service": { enabled: false, state: "inactive", result: "success" } };
    writeFileSync(host.path("systemd/state.json"), JSON.stringify(stopped));
    host.calls();
    await host.run(inputs);
    expect(host.calls()).toEqual(["enable x.service", "start x.service"]);
  });

  it("runs a oneshot service when it is new or its files change, not each time", async () => {
    const inputs = (version: string) =>
      deliveryInputs({
        files: { [host.file("a")]: { content: version, activates: ["setup.service"] } },
        units: [{ name: "setup.service", content: oneshot }],
      });
    await host.run(inputs("1"));
    await host.run(inputs("1"));
    expect(host.unitState("setup.service").runs).toBe(1);
    await host.run(inputs("2"));
    expect(host.unitState("setup.service").runs).toBe(2);
  });

  it("does not start a service that a timer runs", async () => {
    const units = [
      { name: "dump.service", content: oneshot, state: "none" as const, enabled: false },
      { name: "dump.timer", content: "[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n" },
    ];
    await host.run(deliveryInputs({ units }));
    expect(host.calls()).toEqual(["daemon-reload", "enable dump.timer", "start dump.timer"]);
  });

  it("fails with the journal of a service that dies, and repairs it in the next run", async () => {
    const inputs = (unit: string) => deliveryInputs({ units: [{ name: "x.service", content: unit }] });
    await expect(host.run(inputs(dying))).rejects.toThrow(
      /x.service does not stay up: it is failed[\s\S]*cannot read its configuration: line 3/,
    );
    await host.run(inputs(service));
    expect(host.unitState("x.service").state).toBe("active");
  });

  it("is content with a unit whose conditions this host does not meet, and asks again only when it changes", async () => {
    const inputs = (unit: string) => deliveryInputs({ units: [{ name: "clock.service", content: unit }] });
    const clock = `[Unit]\nConditionCapability=never\n${service}`;
    await host.run(inputs(clock));
    host.calls();
    await host.run(inputs(clock));
    expect(host.calls()).toEqual([]);
    await host.run(inputs(`${clock}# 2\n`));
    expect(host.calls()).toEqual(["daemon-reload", "start clock.service"]);
    const [facts] = (await host.run(inputs(clock), { mode: "facts" })).slice(-1);
    expect(facts?.units).toEqual({ "clock.service": { enabled: true, state: "started" } });
  });

  it("stops and disables what must not run, where it is installed at all", async () => {
    host.distributionUnit("modem.service", service);
    const units = ["modem.service", "printer.service"].map((name) => ({
      name,
      enabled: false,
      state: "stopped" as const,
    }));
    const running = { enabled: true, state: "active", result: "success", text: service };
    writeFileSync(host.path("systemd/state.json"), JSON.stringify({ "modem.service": running }));
    await host.run(deliveryInputs({ units }));
    expect(host.calls()).toEqual(["disable modem.service", "stop modem.service"]);
    const [facts] = (await host.run(deliveryInputs({ units }), { mode: "facts" })).slice(-1);
    expect(facts?.units).toEqual({
      "modem.service": { enabled: false, state: "stopped" },
      "printer.service": { enabled: false, state: "stopped" },
    });
  });

  it("names a unit that neither the plan nor the distribution brings", async () => {
    await expect(host.run(deliveryInputs({ units: [{ name: "postgresql.service" }] }))).rejects.toThrow(
      /no unit postgresql.service: give its content or install its package/,
    );
  });

  it("takes a oneshot service that its timer has just started for one that runs, in the facts as well", async () => {
    const inputs = (version: string) =>
      deliveryInputs({
        files: { [host.file("a")]: { content: version, activates: ["x.service"] } },
        units: [
          { name: "setup.service", content: oneshot },
          { name: "x.service", content: service },
        ],
      });
    await host.run(inputs("1"));
    const state = JSON.parse(readFileSync(host.path("systemd/state.json"), "utf8"));
    const inTheMiddle = (subState: string) => {
      Object.assign(state["setup.service"], { state: "activating", subState });
      writeFileSync(host.path("systemd/state.json"), JSON.stringify(state));
      host.calls();
    };
    inTheMiddle("start");
    await host.run(inputs("2"));
    expect(host.calls()).toEqual(["restart x.service"]);
    const [facts] = (await host.run(inputs("2"), { mode: "facts" })).slice(-1);
    expect(facts?.units).toMatchObject({ "setup.service": { state: "started" } });
    // One that failed and waits for its next try is none.
    inTheMiddle("auto-restart");
    await host.run(inputs("2"));
    expect(host.calls()).toEqual(["start setup.service"]);
  });

  it("stops and disables units of its own that the plan no longer names, before their files go", async () => {
    const all = deliveryInputs({
      units: [
        { name: "x.service", content: service },
        { name: "y@.service", content: service },
        { name: "y@1.service" },
      ],
    });
    await host.run(all);
    host.calls();
    await host.run(deliveryInputs());
    expect(host.calls()).toEqual([
      "stop y@1.service",
      "disable y@1.service",
      "stop x.service",
      "disable x.service",
      "daemon-reload",
    ]);
    expect(readdirSync(host.units)).toEqual([]);
  });

  it.each(["apply", "remove"] as const)(
    "lets a unit of the distribution run when it is no longer named (%s)",
    async (mode) => {
      host.distributionUnit("postgresql.service", service);
      const units = [{ name: "x.service", content: service }, { name: "postgresql.service" }];
      await host.run(deliveryInputs({ units }));
      host.calls();
      await host.run(deliveryInputs(mode === "apply" ? {} : { units }), { mode });
      expect(host.calls()).toEqual(["stop x.service", "disable x.service", "daemon-reload"]);
      expect(host.unitState("postgresql.service")).toMatchObject({ enabled: true, state: "active" });
    },
  );
});
