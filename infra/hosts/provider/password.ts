import { randomInt, randomUUID } from "node:crypto";
import { z } from "zod";
import { defineResource } from "../../provider/resource.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const inputs = z.object({
  lengthCharacters: z.int().min(16).max(128).default(32),
  /** Another value makes another password. */
  rotation: z.string().default(""),
});

/** Letters and digits only: nothing needs quoting in SQL, addresses or shells. */
export function makePassword(lengthCharacters: number): string {
  return Array.from({ length: lengthCharacters }, () => alphabet[randomInt(alphabet.length)]).join("");
}

/** A random password, made once and kept in the state. */
export const password = defineResource<null, typeof inputs.shape, { readonly value: string }>({
  token: "hosts:index:Password",
  inputs,
  replaceOn: ["rotation", "lengthCharacters"],
  secretOutputs: ["value"],
  create: async (_call, { lengthCharacters }) => ({
    id: randomUUID(),
    outputs: { value: makePassword(lengthCharacters) },
  }),
  read: async (_call, id, recorded) => ({ inputs: recorded.inputs, outputs: known(id, recorded.outputs) }),
  update: async (_call, id, recorded) => known(id, recorded.outputs),
  delete: async () => {},
});

function known(id: string, { value }: { readonly value?: string }): { readonly value: string } {
  if (value !== undefined) return { value };
  throw new Error(`password ${id} lives in the Pulumi state only: it cannot be imported; create a new one`);
}
