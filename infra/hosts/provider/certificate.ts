import { randomUUID, X509Certificate } from "node:crypto";
import { z } from "zod";
import { type AnyResource, defineResource } from "../../provider/resource.ts";
import {
  type Clock,
  knownOutputs,
  needsSigning,
  renewalNote,
  type SignedOutputs,
  signing,
} from "./certificate-renewal.ts";

export const certificateSchema = z.object({
  /** Of the authority that signs, both PEM. */
  authority: z.object({ certificate: z.string(), privateKey: z.string() }),
  commonName: z.string().min(1).max(64, "a common name has at most 64 characters"),
  usages: z.array(z.enum(["server", "client"])).min(1, "server, client or both"),
  dnsNames: z.array(z.string().min(1)).default([]),
  ipAddresses: z.array(z.ipv4("an IPv4 address")).default([]),
  /** Default 90. At most 398, what browsers accept. */
  validityDays: z.int().min(1).max(398).default(90),
  /** From so many days before its end on, an update renews it. Default 30. */
  renewBeforeDays: z.int().min(0).default(30),
  /** Another value makes another key. */
  rotation: z.string().default(""),
});

type Inputs = z.output<typeof certificateSchema>;

/**
 * A key and a certificate of a server or client, kept in the state. Renewed, it keeps its key: on a host then one file
 * changes, in one step, and no service can ever start between a new certificate and the old key. `rotation` or
 * `pulumi up --replace` make a new key.
 */
export function certificateResource(clock: Clock): AnyResource<null> {
  return defineResource<null, typeof certificateSchema.shape, SignedOutputs>({
    token: "hosts:index:Certificate",
    inputs: certificateSchema,
    checkTogether: ({ validityDays, renewBeforeDays, dnsNames, ipAddresses }) => [
      ...(renewBeforeDays < validityDays
        ? []
        : [{ property: "renewBeforeDays", reason: `it must be less than validityDays (${validityDays})` }]),
      ...(dnsNames.length + ipAddresses.length > 0
        ? []
        : [{ property: "dnsNames", reason: "a certificate needs a DNS name or an IP address" }]),
    ],
    replaceOn: ["rotation"],
    secretOutputs: ["privateKey"],
    renews: (recorded, wanted) =>
      needsSigning(recorded, wanted, clock()) ? ["certificate", "notAfter"] : [],
    notesOnPreview: async (_call, recorded, wanted) =>
      renewalNote(wanted.commonName, recorded, wanted, clock()),
    create: async (_call, inputs) => {
      const { makePrivateKey } = await signing();
      return { id: randomUUID(), outputs: await sign(inputs, makePrivateKey(), clock()) };
    },
    read: async (_call, id, recorded) => ({
      inputs: recorded.inputs as Inputs,
      outputs: knownOutputs("certificate", id, recorded.outputs),
    }),
    update: async (_call, id, recorded, wanted) => {
      const outputs = knownOutputs("certificate", id, recorded.outputs);
      return needsSigning(recorded, wanted, clock()) ? sign(wanted, outputs.privateKey, clock()) : outputs;
    },
    delete: async () => {},
  });
}

async function sign(inputs: Inputs, privateKey: string, now: Date): Promise<SignedOutputs> {
  const { signCertificate, endOf } = await signing();
  const validity = { from: now, days: inputs.validityDays };
  refuseOutliving(inputs, endOf(validity));
  const certificate = await signCertificate({ ...inputs, privateKey, validity }, inputs.authority);
  return { certificate, privateKey, notAfter: endOf(validity).toISOString() };
}

function refuseOutliving({ authority, commonName }: Inputs, notAfter: Date): void {
  const { validToDate, subject } = new X509Certificate(authority.certificate);
  if (notAfter <= validToDate) return;
  throw new Error(
    `a certificate for ${commonName} until ${notAfter.toISOString()} would outlive its authority (${subject}), which ends on ${validToDate.toISOString()}: shorten validityDays, or give the authority a greater renewBeforeDays`,
  );
}
