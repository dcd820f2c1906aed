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
    z.strictObject({
      bridge: z.string(),
      model: z.string(),
      vlanId: z.int().optional(),
      macAddress: z.string().optional(),
      firewall: z.boolean().optional(),
    }),
  ),
  initialization: z.strictObject({
    datastoreId: z.string(),
    ipConfigs: z.array(
      z.strictObject({ ipv4: z.strictObject({ address: z.string(), gateway: z.string().optional() }) }),
    ),
    dns: z.strictObject({ servers: z.array(z.string()).optional(), domain: z.string() }).optional(),
    userDataFileId: z.string(),
  }),
  serialDevices: z.array(z.strictObject({})).default([]),
  onBoot: z.boolean().default(true),
  started: z.boolean().default(true),
  protection: z.boolean().default(false),
  stopOnDestroy: z.boolean().default(false),
});

export type VmInputs = z.output<typeof vmInputs>;
