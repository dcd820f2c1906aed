import { parse } from "yaml";
import { z } from "zod";

const cloudConfig = z.object({
  hostname: z.string(),
  users: z.array(z.object({ name: z.string(), ssh_authorized_keys: z.array(z.string()).default([]) })),
  ssh_keys: z.object({ ed25519_private: z.string() }),
});

/** What a recorded guest does of its cloud-init user data: it has a name, a host key, and people who may log in. */
export interface RecordSeed {
  readonly hostname: string;
  /** OpenSSH private key, PEM. */
  readonly hostKey: string;
  /** Login name → public key lines. */
  readonly authorizedKeys: ReadonlyMap<string, readonly string[]>;
}

/**
 * Reads cloud-init user data.
 * @throws Error naming what is missing: a guest without a host key of its own could not be told from another.
 */
export function readSeed(userData: string): RecordSeed {
  const parsed = cloudConfig.safeParse(parse(userData));
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw new Error(`the user data is not what a recorded guest can start from: ${problems.join("; ")}`);
  }
  const { hostname, users, ssh_keys } = parsed.data;
  return {
    hostname,
    hostKey: ssh_keys.ed25519_private,
    authorizedKeys: new Map(users.map(({ name, ssh_authorized_keys }) => [name, ssh_authorized_keys])),
  };
}
