import type { Section, Vm } from "./state.ts";
import { isDrive } from "./vm-options.ts";

/** Options that hold at once: they are about the VM and not in it, or can be plugged while it runs. */
const immediate = new Set([
  ...[
    "boot",
    "description",
    "digest",
    "hotplug",
    "lock",
    "meta",
    "name",
    "onboot",
    "parent",
    "protection",
    "startup",
    "tags",
  ],
  ...["template", "vmgenid"],
]);

/** Options whose new value a running guest has not taken over yet, with the value that it runs with. */
export function pendingOptions(
  { config, runningConfig }: Vm,
  isUp: boolean,
): Map<string, string | number | undefined> {
  const pending = new Map<string, string | number | undefined>();
  if (!isUp || runningConfig === undefined) return pending;
  for (const key of new Set([...Object.keys(config), ...Object.keys(runningConfig)])) {
    const waits = !immediate.has(key) && !isDrive(key) && !/^(net|unused)\d+$/.test(key);
    if (waits && config[key] !== runningConfig[key]) pending.set(key, runningConfig[key]);
  }
  return pending;
}

/** The configuration that a running guest runs with. */
export function currentConfig(vm: Vm, isUp: boolean): Section {
  const config = { ...vm.config };
  for (const [key, value] of pendingOptions(vm, isUp)) {
    if (value === undefined) delete config[key];
    else config[key] = value;
  }
  return config;
}

/** Every option with its present value and, where it differs, what it will be after the next start. */
export function shownPending(vm: Vm, isUp: boolean): Record<string, string | number>[] {
  const pending = pendingOptions(vm, isUp);
  const current = currentConfig(vm, isUp);
  const keys = [...new Set([...Object.keys(current), ...pending.keys()])].sort();
  return keys.map((key) => {
    const value = current[key];
    const next = vm.config[key];
    return {
      key,
      ...(value === undefined ? {} : { value }),
      ...(pending.has(key) && next !== undefined ? { pending: next } : {}),
      ...(pending.has(key) && next === undefined ? { delete: 1 } : {}),
    };
  });
}
