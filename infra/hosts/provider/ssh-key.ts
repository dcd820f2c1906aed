import { randomUUID } from "node:crypto";
import { z } from "zod";
import { defineResource } from "../../provider/resource.ts";
import { makeSshKey, type SshKeyPair } from "./ssh-keys.ts";

const inputs = z.object({
  /** What the public key's line ends in. */
  comment: z
    .string()
    .regex(/^[^\n\r]*$/, "a comment is one line")
    .default(""),
  /** Another value makes another key. */
  rotation: z.string().default(""),
});

/** An ed25519 key pair, made once and kept in the state. */
export const sshKey = defineResource<null, typeof inputs.shape, SshKeyPair>({
  token: "hosts:index:SshKey",
  inputs,
  replaceOn: ["rotation"],
  secretOutputs: ["privateKey"],
  create: async (_call, { comment }) => ({ id: randomUUID(), outputs: makeSshKey(comment) }),
  read: async (_call, id, recorded) => ({ inputs: recorded.inputs, outputs: known(id, recorded.outputs) }),
  update: async (_call, id, recorded) => known(id, recorded.outputs),
  delete: async () => {},
});

function known(id: string, outputs: Partial<SshKeyPair>): SshKeyPair {
  const { privateKey, publicKey, fingerprint } = outputs;
  if (privateKey !== undefined && publicKey !== undefined && fingerprint !== undefined) {
    return { privateKey, publicKey, fingerprint };
  }
  throw new Error(`SSH key ${id} lives in the Pulumi state only: it cannot be imported; create a new one`);
}
