import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { awaitTask } from "../../tasks.ts";
import { adminToken, openWorld, type World } from "../world.ts";
import { configOf, openPlugin, type Plugin } from "./plugin.ts";

let world: World;
let plugin: Plugin;
const job = { store: "vms", schedule: "02:30", keepDaily: 7, disable: false };
const status = "/nodes/*/tasks/*/status";

beforeAll(async () => {
  world = await openWorld();
  plugin = await openPlugin(configOf(world));
});
afterAll(async () => {
  plugin.close();
  await world.close();
});
afterEach(() => world.simulator.faults.clear());

async function messageOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error("this was expected to fail");
}

const callsOf = (method: string, path: string) =>
  world.calls.filter((call) => call.method === method && call.path === path).length;

describe("a server that goes away while it creates something", () => {
  const doubt = (url: string, call: string) =>
    new RegExp(
      `^${url} broke the connection during ${call} \\(.*\\); whether the server has done it is not known, so it is not repeated: run \`pulumi refresh\`, then \`pulumi up\`$`,
    );

  it("before it acts is asked only once, and nothing exists", async () => {
    world.simulator.faults.add({ method: "POST", path: "/config/prune", times: 1, drop: "before" });
    expect(await messageOf(plugin.create("PruneJob", { ...job, jobId: "before" }))).toMatch(
      doubt(world.url, "POST /config/prune"),
    );
    expect(await plugin.read("PruneJob", "before")).toBeUndefined();
    expect((await plugin.create("PruneJob", { ...job, jobId: "before" })).id).toBe("before");
  });

  it.each(["after", "half"] as const)("%s it has acted leaves what can be imported", async (drop) => {
    const jobId = `cut-${drop}`;
    world.simulator.faults.add({ method: "POST", path: "/config/prune", times: 1, drop });
    const before = callsOf("POST", "/config/prune");
    expect(await messageOf(plugin.create("PruneJob", { ...job, jobId }))).toMatch(
      doubt(world.url, "POST /config/prune"),
    );
    expect(callsOf("POST", "/config/prune")).toBe(before + 1);
    expect(await messageOf(plugin.create("PruneJob", { ...job, jobId }))).toBe(
      `prune job ${jobId} exists already on ${world.url}: bring it under Pulumi with \`pulumi import pbs:index:PruneJob NAME '${jobId}'\`, or choose another name`,
    );
    expect(await plugin.read("PruneJob", jobId)).toMatchObject({ keepDaily: 7 });
  });

  it("and refuses for a while is told as that", async () => {
    world.simulator.faults.add({
      method: "POST",
      path: "/config/prune",
      times: 1,
      status: 503,
      message: "starting",
    });
    expect(await messageOf(plugin.create("PruneJob", { ...job, jobId: "refused" }))).toBe(
      "Proxmox Backup Server refused POST /config/prune (HTTP 503): starting; the server is starting, or overloaded: try again in a minute",
    );
  });
});

describe("reading", () => {
  it.each([
    ["a cut connection", { drop: "before" }],
    ["half an answer", { drop: "half" }],
    ["a server that starts", { status: 503 }],
  ] as const)("is repeated after %s", async (_, fault) => {
    const jobId = `read-${"drop" in fault ? fault.drop : fault.status}`;
    await plugin.create("PruneJob", { ...job, jobId });
    world.simulator.faults.add({ method: "GET", path: "/config/prune", times: 2, ...fault });
    expect(await plugin.read("PruneJob", jobId)).toMatchObject({ jobId });
    expect(world.simulator.faults.list()).toEqual([]);
  });

  it("is given up after four times", async () => {
    world.simulator.faults.add({ path: "/config/prune", times: 4, status: 503, message: "starting" });
    expect(await messageOf(plugin.read("PruneJob", "nightly"))).toBe(
      "Proxmox Backup Server refused GET /config/prune/nightly (HTTP 503): starting; the server is starting, or overloaded: try again in a minute",
    );
    expect(world.simulator.faults.list()).toEqual([]);
  });
});

describe("a task", () => {
  const upidOf = (type: string) => {
    const found = world.simulator.tasks.list().find((task) => task.worker_type === type);
    if (!found) throw new Error(`no task ${type}`);
    return found;
  };

  it("is followed while the server is away for longer than a call is repeated", async () => {
    world.simulator.faults.add({ method: "GET", path: status, times: 5, drop: "before" });
    const created = await plugin.create("Datastore", { name: "away", path: "/mnt/away" });
    expect(created.id).toBe("away");
    expect(world.simulator.faults.list()).toEqual([]);
  });

  it("that a restart cut off is told with what to do", async () => {
    world.before("GET", "/nodes/{node}/tasks/{upid}/status", async () => {
      await world.simulator.tasks.idle();
      upidOf("create-datastore").status = "unknown";
    });
    const message = await messageOf(plugin.create("Datastore", { name: "cut", path: "/mnt/cut" }));
    expect(message).toBe(
      `task create-datastore cut was cut off when ${world.url} restarted, so how far it came is not known: ` +
        `run \`pulumi refresh\` to see what it has done, then \`pulumi up\` (${upidOf("create-datastore").upid})`,
    );
  });

  it("that the server has forgotten is told with what to do", async () => {
    const path = status;
    world.simulator.faults.add({
      path,
      times: 1,
      status: 400,
      message: "unable to open file - no such task",
    });
    const message = await messageOf(plugin.create("Datastore", { name: "lost", path: "/mnt/lost" }));
    expect(message).toBe(
      `${world.url} does not know task create-datastore lost any more, so how it ended is not known: ` +
        `run \`pulumi refresh\` to see what it has done, then \`pulumi up\` (${upidOf("create-datastore").upid})`,
    );
    await world.simulator.tasks.idle();
    expect(await plugin.read("Datastore", "lost")).toMatchObject({ path: "/mnt/lost" });
  });

  it("that takes too long is left running, with its log so far", async () => {
    let end = () => {};
    const upid = await world.simulator.tasks.start("prunejob", "slow", adminToken, async (run) => {
      await run.log("working");
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    expect(await messageOf(awaitTask(world.client, upid, { timeoutSeconds: 0.2 }))).toMatch(
      new RegExp(
        `^task prunejob slow did not end within 0.2 s and goes on at the server; its log so far:\\n.*: working\\n\\(${upid}; raise customTimeouts for longer tasks\\)$`,
      ),
    );
    end();
  });

  it("is stopped at the server when the update is cancelled", async () => {
    const upid = await world.simulator.tasks.start("prunejob", "endless", adminToken, async (run) => {
      await new Promise<void>((resolve) => run.signal.addEventListener("abort", () => resolve()));
    });
    const cancel = new AbortController();
    const wait = messageOf(awaitTask(world.client, upid, { signal: cancel.signal }));
    cancel.abort(new Error("the update was cancelled"));
    expect(await wait).toBe(
      `cancelled; task prunejob endless ended at the server: abort requested - aborting task (${upid})`,
    );
  });

  it("is told as ended where it was faster than the cancellation", async () => {
    const cancelled = await openPlugin(configOf(world));
    world.simulator.faults.add({ path: status, times: 1, delayMs: 60_000 });
    const asked = new Promise<void>((resolve) => {
      world.before("POST", "/config/datastore", async () => resolve());
    });
    const wait = messageOf(cancelled.create("Datastore", { name: "late", path: "/mnt/late" }));
    await asked;
    await expect.poll(() => world.simulator.faults.list()).toEqual([]);
    await world.simulator.tasks.idle();
    await cancelled.cancel();
    expect(await wait).toBe(
      `cancelled; task create-datastore late ended at the server: OK (${upidOf("create-datastore").upid})`,
    );
    cancelled.close();
  });
});
