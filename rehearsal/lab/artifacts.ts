import { join } from "node:path";
import { cacheRoot } from "../../tools/context.ts";
import { ensureTools, type FoundTool, type ToolName } from "../../tools/find.ts";
import { buildImage } from "../image/build.ts";
import { writeFileAtomic } from "../lib/files.ts";
import { type MirrorEntry, registerBinary } from "../mirror/registry.ts";
import type { GuestKind, Instance } from "./instance.ts";

type Report = (detail: string) => void;

/** Host tools from the distribution, by what guests are. */
export const hostTools = {
  containers: ["debootstrap", "systemd-nspawn", "mksquashfs", "ip", "openssl"],
  records: ["openssl"],
} as const satisfies Record<GuestKind, readonly ToolName[]>;

/** The engine. */
export const engineTools = ["pulumi", "pulumi-language-nodejs"] as const satisfies readonly ToolName[];

/** Programs that guests fetch from the mirror, by the names that a site calls them. */
const guestPrograms = {
  prometheus: "prometheus",
  alertmanager: "alertmanager",
  nodeExporter: "node_exporter",
  postgresExporter: "postgres_exporter",
} as const satisfies Record<string, ToolName>;

export const guestTools: readonly ToolName[] = Object.values(guestPrograms);

/** Makes sure that tools are there, telling what is being done about the slowest of them. */
export async function tools(
  names: readonly ToolName[],
  report: Report,
): Promise<ReadonlyMap<ToolName, FoundTool>> {
  return ensureTools(names, { onProgress: ({ tool, step }) => report(`${tool}: ${step}`) });
}

/**
 * Puts the guest image on the mirror, building it if it was never built. Recorded guests boot nothing, so theirs is a
 * file that says so.
 */
export async function imageOnMirror(instance: Instance, report: Report): Promise<MirrorEntry> {
  if (instance.guests === "records") {
    const note = join(instance.folder, "no-image");
    await writeFileAtomic(note, "The guests of this lab are records: nothing boots from this image.\n");
    return registerBinary(mirrorFolder(instance), "debian-12.raw", note);
  }
  const image = await buildImage({ cacheDir: cacheRoot(), onProgress: report });
  return registerBinary(mirrorFolder(instance), "debian-12.raw", image.path);
}

/** Puts the programs on the mirror that guests fetch by address and checksum. */
export async function binariesOnMirror(
  instance: Instance,
): Promise<Record<string, MirrorEntry & { readonly version: string }>> {
  const found = await ensureTools(guestTools);
  const entries: Record<string, MirrorEntry & { readonly version: string }> = {
    node: {
      ...(await registerBinary(mirrorFolder(instance), "node", process.execPath)),
      version: process.versions.node,
    },
  };
  for (const [name, tool] of Object.entries(guestPrograms)) {
    const program = found.get(tool);
    if (!program) throw new Error(`${tool} is not there although it was made sure of`);
    entries[name] = {
      ...(await registerBinary(mirrorFolder(instance), tool, program.path)),
      version: program.version,
    };
  }
  return entries;
}

function mirrorFolder({ folder }: Instance): string {
  return join(folder, "mirror");
}
