import { randomUUID } from "node:crypto";
import { z } from "zod";
import { defineResource, type Recorded } from "../../provider/resource.ts";
import { containsUnknown, type Properties } from "../../provider/values.ts";

const guest = z.object({
  /** The image's volume, as a guest would be made from it now. */
  importFrom: z.string(),
  /** With another value the guest is made anew, so it takes the image of now. */
  identity: z.string(),
});

export const guestImagesSchema = z.object({
  /** By name. */
  guests: z.record(z.string(), guest),
});

export interface GuestImagesOutputs {
  /** Guests made from another volume than would be taken now, with that volume. */
  readonly kept: Readonly<Record<string, string>>;
}

type Inputs = z.output<typeof guestImagesSchema>;

/**
 * Remembers from which volume each guest was made. Proxmox's provider makes a guest anew when that name changes, although
 * the volume matters only while its disk is made; and the engine, told to ignore the change, would use the former name
 * for a guest that is made anew on purpose. It lives in the state only.
 */
export const guestImages = defineResource<null, typeof guestImagesSchema.shape, GuestImagesOutputs>({
  token: "hosts:index:GuestImages",
  inputs: guestImagesSchema,
  replaceOn: [],
  // What is recorded anew is no change as long as every guest keeps what it has: the engine records it all the same.
  sameValue: () => true,
  renews: (recorded, wanted) => {
    const { kept } = outputsOf(recorded, wanted);
    const before = recorded.outputs.kept ?? {};
    return kept && sorted(kept) === sorted(before) ? [] : ["kept"];
  },
  foreknown: outputsOf,
  notesOnPreview: async (_call, recorded, wanted) => {
    const before = recorded.outputs.kept ?? {};
    return Object.entries(keptVolumes(recorded, wanted))
      .filter(([name, volume]) => before[name] !== volume)
      .map(([name, volume]) => ({
        severity: "info",
        message: `${name} stays as it is, made from ${volume}; a higher imageGeneration makes it anew from ${wanted.guests[name]?.importFrom}`,
      }));
  },
  create: async () => ({ id: randomUUID(), outputs: { kept: {} } }),
  read: async (_call, id, { inputs, outputs }) => {
    if (inputs.guests && outputs.kept)
      return { inputs: { guests: inputs.guests }, outputs: { kept: outputs.kept } };
    throw new Error(`guest images ${id} live in the Pulumi state only: they cannot be imported`);
  },
  update: async (_call, _id, recorded, wanted) => ({ kept: keptVolumes(recorded, wanted) }),
  delete: async () => {},
});

function outputsOf(
  recorded: Recorded<Inputs, GuestImagesOutputs>,
  wanted: Properties,
): Partial<GuestImagesOutputs> {
  return containsUnknown(wanted) ? {} : { kept: keptVolumes(recorded, guestImagesSchema.parse(wanted)) };
}

/** Guests that are not made anew keep what they were made from, where that differs from what would be taken now. */
export function keptVolumes(
  recorded: Recorded<Inputs, GuestImagesOutputs>,
  wanted: Inputs,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, { importFrom, identity }] of Object.entries(wanted.guests)) {
    const before = recorded.inputs.guests?.[name];
    if (before?.identity !== identity) continue;
    const volume = recorded.outputs.kept?.[name] ?? before.importFrom;
    if (volume !== importFrom) kept[name] = volume;
  }
  return kept;
}

function sorted(volumes: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(volumes).sort());
}
