import { z } from "zod";
import type { ProviderDefinition } from "../../provider/resource.ts";
import { delivery } from "./delivery.ts";
import { password } from "./password.ts";
import { sshKey } from "./ssh-key.ts";

/** Keys, passwords and what hosts get over SSH. It needs no configuration: each delivery knows its host. */
export const provider: ProviderDefinition<null, Record<string, unknown>> = {
  name: "hosts",
  version: "0.1.0",
  config: z.object({}),
  connect: () => null,
  resources: [delivery, sshKey, password],
};
