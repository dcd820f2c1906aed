import { randomUUID } from "node:crypto";
import { z } from "zod";
import { type AnyResource, defineResource } from "../../provider/resource.ts";
import { parseCidr } from "../../site/network.ts";
import {
  type Clock,
  knownOutputs,
  needsSigning,
  renewalNote,
  type SignedOutputs,
  signing,
} from "./certificate-renewal.ts";

export const authoritySchema = z.object({
  commonName: z.string().min(1).max(64, "a common name has at most 64 characters"),
  /** DNS domains that it may vouch for, with everything below them; none given: any name. */
  permittedDnsDomains: z.array(z.string().min(1)).default([]),
  /** IPv4 networks that it may vouch for; none given: any address. */
  permittedIpRanges: z
    .array(z.string().refine((text) => parseCidr(text) !== undefined, "a network such as 10.16.207.0/24"))
    .default([]),
  /** Default 3650: ten years. */
  validityDays: z.int().min(1).max(7300).default(3650),
  /**
   * From so many days before its end on, an update signs it again with the same key. Default 730, more than any
   * certificate lasts that it signs.
   */
  renewBeforeDays: z.int().min(0).default(730),
  /** Another value makes another key, with which nothing signed before is valid. */
  rotation: z.string().default(""),
});

type Inputs = z.output<typeof authoritySchema>;

/**
 * A certificate authority: an ECDSA key and its self-signed certificate, kept in the state. Renewed, it keeps its key,
 * so that nothing that it has signed has to be made again.
 */
export function authorityResource(clock: Clock): AnyResource<null> {
  return defineResource<null, typeof authoritySchema.shape, SignedOutputs>({
    token: "hosts:index:CertificateAuthority",
    inputs: authoritySchema,
    checkTogether: ({ validityDays, renewBeforeDays }) =>
      renewBeforeDays < validityDays
        ? []
        : [{ property: "renewBeforeDays", reason: `it must be less than validityDays (${validityDays})` }],
    replaceOn: ["commonName", "rotation"],
    secretOutputs: ["privateKey"],
    renews: (recorded, wanted) =>
      needsSigning(recorded, wanted, clock()) ? ["certificate", "notAfter"] : [],
    notesOnPreview: async (_call, recorded, wanted) =>
      renewalNote(`authority ${wanted.commonName}`, recorded, wanted, clock()),
    create: async (_call, inputs) => {
      const { makePrivateKey } = await signing();
      return { id: randomUUID(), outputs: await sign(inputs, makePrivateKey(), clock()) };
    },
    read: async (_call, id, recorded) => ({
      inputs: recorded.inputs as Inputs,
      outputs: knownOutputs("authority", id, recorded.outputs),
    }),
    update: async (_call, id, recorded, wanted) => {
      const outputs = knownOutputs("authority", id, recorded.outputs);
      return needsSigning(recorded, wanted, clock()) ? sign(wanted, outputs.privateKey, clock()) : outputs;
    },
    delete: async () => {},
  });
}

async function sign(inputs: Inputs, privateKey: string, now: Date): Promise<SignedOutputs> {
  const { signAuthority, endOf } = await signing();
  const validity = { from: now, days: inputs.validityDays };
  const permitted = { dnsDomains: inputs.permittedDnsDomains, ipRanges: inputs.permittedIpRanges };
  const certificate = await signAuthority({
    commonName: inputs.commonName,
    privateKey,
    validity,
    permitted,
  });
  return { certificate, privateKey, notAfter: endOf(validity).toISOString() };
}
