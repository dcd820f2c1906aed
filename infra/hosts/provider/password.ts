import { randomInt, randomUUID } from "node:crypto";
import { hash } from "bcryptjs";
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

/** What exporter-toolkit's makers advise: a password of this length needs no slower hash. */
const bcryptCost = 10;

interface PasswordOutputs {
  readonly value: string;
  /** For web servers that keep only a hash. Made once, since each hash of a password is another one. */
  readonly bcryptHash: string;
}

/** A random password, made once and kept in the state. */
export const password = defineResource<null, typeof inputs.shape, PasswordOutputs>({
  token: "hosts:index:Password",
  inputs,
  replaceOn: ["rotation", "lengthCharacters"],
  secretOutputs: ["value", "bcryptHash"],
  // A password of an older version of this program has no hash yet.
  renews: ({ outputs }) => (outputs.bcryptHash === undefined ? ["bcryptHash"] : []),
  create: async (_call, { lengthCharacters }) => ({
    id: randomUUID(),
    outputs: await withHash({ value: makePassword(lengthCharacters) }),
  }),
  read: async (_call, id, recorded) => ({
    inputs: recorded.inputs,
    outputs: await known(id, recorded.outputs),
  }),
  update: async (_call, id, recorded) => known(id, recorded.outputs),
  delete: async () => {},
});

async function known(id: string, { value, bcryptHash }: Partial<PasswordOutputs>): Promise<PasswordOutputs> {
  if (value !== undefined) return withHash({ value, ...(bcryptHash === undefined ? {} : { bcryptHash }) });
  throw new Error(`password ${id} lives in the Pulumi state only: it cannot be imported; create a new one`);
}

async function withHash({
  value,
  bcryptHash,
}: {
  value: string;
  bcryptHash?: string;
}): Promise<PasswordOutputs> {
  return { value, bcryptHash: bcryptHash ?? (await hash(value, bcryptCost)) };
}
