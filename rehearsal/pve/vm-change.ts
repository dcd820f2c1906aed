import type { Section } from "./state.ts";
import { isDrive } from "./vm-options.ts";

/**
 * A VM's configuration after a change. A disk that is taken away is kept as `unusedN`; taking that away too
 * removes the disk.
 */
export function changedConfig(before: Section, given: Section, removed: readonly string[]): Section {
  const config = { ...before };
  for (const key of removed) {
    const value = config[key];
    delete config[key];
    if (value !== undefined && isDrive(key)) keepUnused(config, String(value));
  }
  for (const [key, value] of Object.entries(given)) {
    const replaced = config[key];
    config[key] = value;
    if (replaced !== undefined && isDrive(key) && volume(String(replaced)) !== volume(String(value))) {
      keepUnused(config, String(replaced));
    }
  }
  return config;
}

function keepUnused(config: Section, drive: string): void {
  const name = volume(drive);
  if (/media=cdrom/.test(drive) || !name.includes(":")) return;
  let free = 0;
  while (config[`unused${free}`] !== undefined) free += 1;
  config[`unused${free}`] = name;
}

function volume(drive: string): string {
  return drive.split(",")[0] ?? "";
}
