import { readFile } from "node:fs/promises";
import { seed } from "../dataset/seed.ts";
import { execInGuest } from "../guests/exec.ts";
import { waitFor } from "../lib/wait.ts";
import type { MirrorEntry } from "../mirror/registry.ts";
import { binariesOnMirror, engineTools, guestTools, hostTools, imageOnMirror, tools } from "./artifacts.ts";
import { archiveNow, backUpNow } from "./backup-now.ts";
import { type Engine, withEngine } from "./engine.ts";
import { engineOptions, type Instance, stopOrphanedEngine } from "./instance.ts";
import { type Deployment, settlePending } from "./pending.ts";
import { primaryPlace } from "./places.ts";
import { type Prepared, prepareServices, startService } from "./services.ts";
import { configureStack } from "./stack.ts";
import { freeStack } from "./stack-lock.ts";
import { labStatus } from "./status.ts";

/** One piece of work; what it depends on, by title, comes first. */
export interface LabStep {
  readonly title: string;
  readonly dependsOn?: readonly string[];
  run(report: (detail: string) => void): Promise<void>;
}

export interface UpOptions {
  /** Size of the generated data set, in MiB. */
  readonly dataMib: number;
}

/** What later steps need of earlier ones. */
interface Results {
  image?: MirrorEntry;
  binaries?: Record<string, MirrorEntry & { readonly version: string }>;
  prepared?: Prepared;
}

/** The way to a standing lab, as steps of which independent ones run side by side. */
export function upSteps(instance: Instance, options: UpOptions): LabStep[] {
  const results: Results = {};
  return [
    {
      title: "host tools",
      run: async (report) => void (await tools(hostTools[instance.guests], report)),
    },
    {
      title: "Pulumi engine",
      run: async (report) => void (await tools(engineTools, report)),
    },
    {
      title: "exporters, Prometheus, Alertmanager",
      run: async (report) => {
        await tools(guestTools, report);
        results.binaries = await binariesOnMirror(instance);
      },
    },
    {
      title: "guest image",
      dependsOn: ["host tools"],
      run: async (report) => {
        results.image = await imageOnMirror(instance, report);
      },
    },
    {
      title: "services on the host",
      dependsOn: ["host tools"],
      run: async (report) => {
        const moto = (await tools(["moto_server"], report)).get("moto_server");
        const prepared = await prepareServices(instance, required(moto, "moto_server").path);
        await Promise.all(prepared.services.map((service) => startService(instance, service)));
        results.prepared = prepared;
      },
    },
    {
      title: "pulumi up",
      dependsOn: [
        "Pulumi engine",
        "exporters, Prometheus, Alertmanager",
        "guest image",
        "services on the host",
      ],
      run: (report) => {
        const { caPath, pbsFingerprint } = required(results.prepared, "the services");
        const options = engineOptions(instance, caPath);
        return withEngine(options, async (engine) => {
          await stopOrphanedEngine(instance);
          if ((await freeStack(engine, options.backend, options.stack)) > 0)
            report("removed the lock of an engine that was killed");
          report("configuring the stack");
          await configureStack(engine, instance, {
            image: required(results.image, "the image"),
            binaries: required(results.binaries, "the binaries"),
            pbsFingerprint,
            certificateAuthority: await readFile(caPath, "utf8"),
          });
          report("creating resources");
          await bringUp(engine);
        });
      },
    },
    ...(instance.guests === "containers" ? proof(instance, options) : []),
  ];
}

/** What shows that the lab works: data, and a backup of it that was restored. Records run nothing, so prove nothing. */
function proof(instance: Instance, options: UpOptions): LabStep[] {
  return [
    {
      title: "data set",
      dependsOn: ["pulumi up"],
      run: (report) => seed(primaryPlace(instance), { sizeMib: options.dataMib, onProgress: report }),
    },
    {
      title: "first proven backup",
      dependsOn: ["data set"],
      run: async (report) => {
        await firstBackup(instance);
        report("waiting for its copy in the archive");
        await archiveNow(primaryPlace(instance));
        report("waiting for Prometheus to have seen both");
        await waitFor(
          async () =>
            (await labStatus(instance)).protections.some(
              ({ validated, offsite }) => validated !== null && offsite !== null,
            ),
          {
            what: "Prometheus to have scraped a proven dump and its copy",
            timeoutSeconds: 90,
            intervalMs: 1000,
          },
        );
      },
    },
  ];
}

/** Updates the stack, after settling what a killed update left open by looking at what is really there. */
async function bringUp(engine: Engine): Promise<void> {
  const quiet = ["--yes", "--suppress-outputs", "--color", "never"];
  const replace = await settle(engine, quiet);
  await engine.run([
    "up",
    "--skip-preview",
    "--refresh",
    ...replace.flatMap((urn) => ["--replace", urn]),
    ...quiet,
  ]);
}

/** Gives the resources that exist but must be made again because their secret was lost with the killed update. */
async function settle(engine: Engine, quiet: readonly string[]): Promise<string[]> {
  const exported = JSON.parse(await engine.run(["stack", "export"])) as { deployment: Deployment };
  if ((exported.deployment.pending_operations ?? []).length === 0) return [];
  const { deployment, replace } = settlePending(exported.deployment);
  await engine.run(["stack", "import"], { input: JSON.stringify({ ...exported, deployment }) });
  await engine.run(["refresh", "--skip-preview", ...quiet]);
  const now = JSON.parse(await engine.run(["stack", "export"])) as { deployment: Deployment };
  const existing = new Set((now.deployment.resources ?? []).map(({ urn }) => urn));
  return replace.filter((urn) => existing.has(urn));
}

/** Starts the timer's own service, so that what is proven is what will run tonight. */
async function firstBackup(instance: Instance): Promise<void> {
  const place = primaryPlace(instance);
  const { stdout } = await execInGuest(place, [
    "sh",
    "-c",
    "ls -d /mnt/backup/postgresql/full/*/* 2>/dev/null || true",
  ]);
  if (stdout.trim() === "") await backUpNow(place);
}

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`${what} should be there by now`);
  return value;
}
