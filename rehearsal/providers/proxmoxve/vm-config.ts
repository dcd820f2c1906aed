import { z } from "zod";

/** The properties of `VmLegacy` that the lab uses; any other is refused. */
export const vmInputs = z.object({
  nodeName: z.string(),
  vmId: z.int(),
  name: z.string(),
  description: z.string().optional(),
  tags: z.array(z.string()).default([]),
  cpu: z.strictObject({ cores: z.int(), type: z.string() }),
  memory: z.strictObject({ dedicated: z.int() }),
  agent: z.strictObject({ enabled: z.boolean() }),
  operatingSystem: z.strictObject({ type: z.string() }),
  scsiHardware: z.string(),
  disks: z
    .array(
      z.strictObject({
        interface: z.string(),
        datastoreId: z.string(),
        importFrom: z.string().optional(),
        /** GiB. */
        size: z.int(),
        discard: z.string(),
        iothread: z.boolean(),
        ssd: z.boolean(),
      }),
    )
    .min(1),
  networkDevices: z.array(
    z.strictObject({ bridge: z.string(), model: z.string(), vlanId: z.int().optional() }),
  ),
  initialization: z.strictObject({
    datastoreId: z.string(),
    ipConfigs: z.array(
      z.strictObject({ ipv4: z.strictObject({ address: z.string(), gateway: z.string().optional() }) }),
    ),
    dns: z.strictObject({ servers: z.array(z.string()).optional(), domain: z.string() }),
    userDataFileId: z.string(),
  }),
  serialDevices: z.array(z.strictObject({})).default([]),
  onBoot: z.boolean().default(true),
  started: z.boolean().default(true),
  protection: z.boolean().default(false),
  stopOnDestroy: z.boolean().default(false),
});

export type VmInputs = z.output<typeof vmInputs>;

type Parameters = Record<string, string | number | boolean | undefined>;

/** What can be changed while the guest exists. */
export function changeable(vm: VmInputs): Parameters {
  return {
    name: vm.name,
    description: vm.description ?? "",
    tags: vm.tags.join(";"),
    cores: vm.cpu.cores,
    cpu: vm.cpu.type,
    memory: vm.memory.dedicated,
    agent: `enabled=${vm.agent.enabled ? 1 : 0}`,
    ostype: vm.operatingSystem.type,
    onboot: vm.onBoot,
    protection: vm.protection,
    cicustom: `user=${vm.initialization.userDataFileId}`,
    searchdomain: vm.initialization.dns.domain,
    ...(vm.initialization.dns.servers?.length ? { nameserver: vm.initialization.dns.servers.join(" ") } : {}),
    ...Object.fromEntries(
      vm.initialization.ipConfigs.map(({ ipv4 }, index) => [`ipconfig${index}`, ipConfig(ipv4)]),
    ),
  };
}

/** Everything that a new guest is created with. */
export function creation(vm: VmInputs): Parameters {
  return {
    vmid: vm.vmId,
    ...changeable(vm),
    scsihw: vm.scsiHardware,
    ide2: `${vm.initialization.datastoreId}:cloudinit`,
    boot: `order=${vm.disks[0]?.interface}`,
    ...Object.fromEntries(vm.serialDevices.map((_, index) => [`serial${index}`, "socket"])),
    ...Object.fromEntries(
      vm.networkDevices.map(({ bridge, model, vlanId }, index) => [
        `net${index}`,
        [model, `bridge=${bridge}`, ...(vlanId === undefined ? [] : [`tag=${vlanId}`])].join(","),
      ]),
    ),
    ...Object.fromEntries(vm.disks.map((disk) => [disk.interface, newDisk(disk)])),
  };
}

/** The inputs that describe a guest as it is now: what PVE does not show, or shows in another form, is taken as recorded. */
export function described(
  recorded: VmInputs,
  config: Readonly<Record<string, unknown>>,
  running: boolean,
): z.input<typeof vmInputs> {
  const text = (name: string) => (config[name] === undefined ? "" : String(config[name]));
  const now = changeable(recorded);
  const same = (name: string) => text(name) === wire(now[name]);
  return {
    ...recorded,
    name: text("name"),
    description: text("description").trimEnd() === "" ? undefined : text("description").trimEnd(),
    tags: text("tags")
      .split(/[;, ]/)
      .filter((tag) => tag !== ""),
    cpu: { cores: Number(config.cores ?? 1), type: text("cpu") || recorded.cpu.type },
    memory: { dedicated: Number(config.memory ?? recorded.memory.dedicated) },
    onBoot: Number(config.onboot ?? 0) === 1,
    protection: Number(config.protection ?? 0) === 1,
    started: running,
    initialization: {
      ...recorded.initialization,
      userDataFileId: same("cicustom")
        ? recorded.initialization.userDataFileId
        : text("cicustom").replace(/^user=/, ""),
      ipConfigs: recorded.initialization.ipConfigs.map((entry, index) =>
        same(`ipconfig${index}`) ? entry : { ipv4: parseIpConfig(text(`ipconfig${index}`)) },
      ),
    },
  };
}

function wire(value: string | number | boolean | undefined): string {
  return typeof value === "boolean" ? (value ? "1" : "0") : String(value ?? "");
}

function newDisk({
  datastoreId,
  importFrom,
  size,
  discard,
  iothread,
  ssd,
}: VmInputs["disks"][number]): string {
  const options = [`discard=${discard}`, `iothread=${iothread ? 1 : 0}`, `ssd=${ssd ? 1 : 0}`];
  // An imported disk begins with the image's size and is enlarged afterwards.
  return importFrom === undefined
    ? [`${datastoreId}:${size}`, ...options].join(",")
    : [`${datastoreId}:0`, `import-from=${importFrom}`, ...options].join(",");
}

function ipConfig({ address, gateway }: { address: string; gateway?: string | undefined }): string {
  return gateway === undefined ? `ip=${address}` : `ip=${address},gw=${gateway}`;
}

function parseIpConfig(text: string): { address: string; gateway?: string } {
  const parts = new Map(text.split(",").map((part) => part.split("=", 2) as [string, string]));
  const gateway = parts.get("gw");
  return { address: parts.get("ip") ?? "", ...(gateway === undefined ? {} : { gateway }) };
}
