import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import type { DeliveryInputs } from "../inputs.ts";
import { type Identity, type Plan, type PlanMode, planOf } from "../plan.ts";
import { unitFolder } from "../units.ts";

const here = import.meta.dirname;

/** Why tests that change owners and mount file systems cannot run; undefined where they can. */
export const notRoot = process.getuid?.() === 0 ? undefined : "needs root";

export interface HostEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

export interface Run {
  readonly process: ChildProcess;
  readonly events: HostEvent[];
  /** Resolves with the event when one fits; rejects when the run ends without. */
  until(fits: (event: HostEvent) => boolean): Promise<HostEvent>;
  /** Resolves with the last event when the run has ended. */
  readonly ended: Promise<HostEvent | undefined>;
}

/** A folder that stands for a host: delivered files, unit files, the delivery's state and a systemctl of its own. */
export class FakeHost {
  readonly folder = mkdtempSync(join(tmpdir(), "lab-host-"));
  readonly units = this.path("units");
  readonly state = this.path("state");
  readonly bin = this.path("bin");

  constructor(seenUnitFolder: string = this.path("units")) {
    cpSync(join(here, "bin"), this.bin, { recursive: true });
    for (const name of ["units", "state", "systemd/journal", "systemd/distribution", "files", "packages"]) {
      mkdirSync(this.path(name), { recursive: true });
    }
    writeFileSync(this.path("systemd/unit-folder"), seenUnitFolder);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A path in the folder that deliveries may fill. */
  file(name: string): string {
    return this.path(`files/${name}`);
  }

  read(name: string): string {
    return readFileSync(this.file(name), "utf8");
  }

  distributionUnit(name: string, text: string): void {
    writeFileSync(this.path(`systemd/distribution/${name}`), text);
  }

  /** Makes a package that apt-get can install. */
  offerPackage(name: string): void {
    writeFileSync(this.path(`packages/${name}`), "");
  }

  /** What apt-get was told since the last time. */
  packageCalls(): string[] {
    const path = this.path("packages/calls");
    const lines = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
    rmSync(path, { force: true });
    return lines;
  }

  /** What systemctl was told, without questions, since the last time. */
  calls(): string[] {
    const path = this.path("systemd/calls");
    const lines = existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
    rmSync(path, { force: true });
    return lines.filter((line) => line !== "");
  }

  unitState(name: string): { readonly enabled: boolean; readonly state: string; readonly runs?: number } {
    return JSON.parse(readFileSync(this.path("systemd/state.json"), "utf8"))[name];
  }

  /** Starts a run of the program that deliveries send, as it runs on a host. */
  start(inputs: DeliveryInputs, options: RunPlan = {}): Run {
    const {
      mode = "apply",
      identity = { id: "lab/1", owner: "urn:test" },
      prefix = [],
      ...changes
    } = options;
    const { plan, contents } = planOf(mode, identity, inputs);
    const upload = mkdtempSync(join(this.folder, "upload-"));
    for (const { name, data } of [
      ...contents.map(({ name, read }) => ({ name, data: read() })),
      { name: "plan.json", data: Buffer.from(JSON.stringify({ ...this.moved(plan), ...changes })) },
    ]) {
      mkdirSync(dirname(join(upload, name)), { recursive: true });
      writeFileSync(join(upload, name), data);
    }
    const script = 't="$1/incoming/$$"; mkdir -p "$1/incoming"; mv "$2" "$t"; exec python3 -I -B "$3" "$t"';
    const [program = "/bin/sh", ...first] = [...prefix, "/bin/sh"];
    const args = [...first, "-c", script, "run", join(this.state, plan.name), upload, join(here, "../apply")];
    return follow(spawn(program, args, { env: { ...process.env, PATH: `${this.bin}:${process.env.PATH}` } }));
  }

  /** Runs to the end. @throws Error with the host's message when the run fails. */
  async run(inputs: DeliveryInputs, options: RunPlan = {}): Promise<readonly HostEvent[]> {
    const run = this.start(inputs, options);
    const last = await run.ended;
    if (last === undefined || last.event === "failed") {
      throw new Error(`${last?.message ?? "no last event"}\n${((last?.lines as string[]) ?? []).join("\n")}`);
    }
    return run.events;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The plan with this folder's places instead of the real ones, and short waits. */
  private moved(plan: Plan): Plan {
    const move = (path: string) => path.replace(`${unitFolder}/`, `${this.units}/`);
    return {
      ...plan,
      stateFolder: this.state,
      unitFolder: this.units,
      settleSeconds: 0.05,
      files: plan.files.map((file) => ({ ...file, path: move(file.path) })),
    };
  }
}

export interface RunPlan extends Partial<Omit<Plan, "mode">> {
  readonly mode?: PlanMode;
  readonly identity?: Identity;
  /** A program with arguments that starts the run, for example unshare. */
  readonly prefix?: readonly string[];
}

function follow(process: ChildProcess): Run {
  const events: HostEvent[] = [];
  const watchers = new Set<(event: HostEvent) => void>();
  let stderr = "";
  process.stderr?.on("data", (data) => {
    stderr += data;
  });
  if (!process.stdout) throw new Error("the run has no output");
  const lines = createInterface(process.stdout);
  lines.on("line", (line) => {
    const event = JSON.parse(line) as HostEvent;
    events.push(event);
    for (const watch of watchers) watch(event);
  });
  const ended = new Promise<HostEvent | undefined>((resolve, reject) => {
    process.once("close", () => {
      if (stderr.includes("Traceback")) reject(new Error(stderr));
      else resolve(events.at(-1));
    });
  });
  const until = (fits: (event: HostEvent) => boolean) =>
    new Promise<HostEvent>((resolve, reject) => {
      const seen = events.find(fits);
      if (seen) resolve(seen);
      watchers.add((event) => fits(event) && resolve(event));
      ended.then(() => reject(new Error(`the run ended before: ${stderr}`)), reject);
    });
  return { process, events, ended, until };
}
