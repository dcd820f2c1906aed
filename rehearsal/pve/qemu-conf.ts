import type { Section, Vm } from "./state.ts";

/** What a backup says of a VM besides its disks' content. */
export interface BackedUpVm {
  readonly config: Section;
  /** Drive → SHA-256 of the image under it. */
  readonly images: Record<string, string>;
}

/** Options that belong to the VM of that moment and not to a copy of it. */
const passing = new Set(["lock", "digest", "parent"]);

/**
 * A VM's configuration as the product keeps it in a backup: the description as comments, one option a line, and which
 * archive holds which drive. The last line of a drive names its image, which is this simulator's own.
 */
export function formatConf({ config, images }: Pick<Vm, "config" | "images">): string {
  const { description, ...options } = config;
  const notes = description === undefined ? [] : String(description).split("\n");
  const lines = [
    ...notes.map((line) => `#${encodeURI(line)}`),
    ...Object.keys(options)
      .filter((key) => !passing.has(key))
      .sort()
      .map((key) => `${key}: ${String(options[key])}`),
    ...backedUpDrives(config).map(
      (drive) => `#qmdump#map:${drive}:drive-${drive}:${storageOfDrive(config, drive)}:raw:`,
    ),
    ...Object.entries(images).map(([drive, sha256]) => `#qmdump#image:${drive}:${sha256}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** Reads {@link formatConf}. */
export function parseConf(text: string): BackedUpVm {
  const config: Section = {};
  const images: Record<string, string> = {};
  const notes: string[] = [];
  for (const line of text.split("\n")) {
    const image = /^#qmdump#image:([^:]+):([0-9a-f]{64})$/.exec(line);
    if (image !== null) images[image[1] ?? ""] = image[2] ?? "";
    else if (line.startsWith("#qmdump#")) continue;
    else if (line.startsWith("#")) notes.push(decodeURI(line.slice(1)));
    else {
      const [, key, value = ""] = /^([^:]+): (.*)$/.exec(line) ?? [];
      if (key !== undefined) config[key] = /^\d{1,15}$/.test(value) ? Number(value) : value;
    }
  }
  if (notes.length > 0) config.description = notes.join("\n");
  return { config, images };
}

/** Drives that a backup holds: disks, but no CD-ROMs and none that ask to be left out. */
export function backedUpDrives(config: Section): string[] {
  return Object.keys(config).filter(
    (key) => /^(scsi|virtio|sata|ide)\d+$/.test(key) && !/media=cdrom|backup=0/.test(String(config[key])),
  );
}

function storageOfDrive(config: Section, drive: string): string {
  return String(config[drive]).split(":")[0] ?? "";
}
