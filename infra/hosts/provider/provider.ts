import { z } from "zod";
import type { ProviderDefinition } from "../../provider/resource.ts";
import { certificateResource } from "./certificate.ts";
import { authorityResource } from "./certificate-authority.ts";
import type { Clock } from "./certificate-renewal.ts";
import { delivery } from "./delivery.ts";
import { guestImages } from "./guest-images.ts";
import { password } from "./password.ts";
import { sshKey } from "./ssh-key.ts";

/** Keys, certificates, passwords and what hosts get over SSH. It needs no configuration: each delivery knows its host. */
export const provider = hostsProvider(() => new Date());

/** The same with a clock of one's own, which decides when certificates are renewed. */
export function hostsProvider(clock: Clock): ProviderDefinition<null, Record<string, unknown>> {
  return {
    name: "hosts",
    version: "0.1.0",
    config: z.object({}),
    connect: () => null,
    resources: [
      delivery,
      sshKey,
      password,
      authorityResource(clock),
      certificateResource(clock),
      guestImages,
    ],
  };
}
