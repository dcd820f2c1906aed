import { rm } from "node:fs/promises";
import { join } from "node:path";
import { cleanup } from "../guests/cleanup.ts";
import { stopRecordsUnder } from "../records/record.ts";
import { type Remains, stopEngine } from "./instance.ts";
import { type ServiceName, stopService } from "./services.ts";

const serviceNames: readonly ServiceName[] = ["pve", "pbs", "grafana", "sinks", "s3", "mirror"];

/**
 * Ends everything that `up` started, in whatever state a crash left it: services, guests, mounts, the bridge. What the
 * lab knows stays, so that the next `up` goes on from there.
 */
export async function takeDown(instance: Remains): Promise<void> {
  await stopEngine(instance);
  // The node first, so that it starts no guest again.
  for (const name of serviceNames) await stopService(instance, name);
  const nodes = join(instance.folder, "pve");
  if (instance.guests !== "records") await cleanup(instance.id, nodes);
  if (instance.guests !== "containers") await stopRecordsUnder(join(nodes, "guests"));
}

/** Forgets everything that the lab knows: state, backups, data. Call after {@link takeDown}. */
export async function purge(instance: Remains): Promise<void> {
  await rm(instance.folder, { recursive: true, force: true });
  await rm(join(instance.root, "stacks", "Pulumi.rehearsal.yaml"), { force: true });
}
