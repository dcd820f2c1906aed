import type { z } from "zod";
import { type DeliveryInputs, deliverySchema } from "../inputs.ts";
import { makeSshKey } from "../ssh-keys.ts";

const key = makeSshKey("test");

/** Inputs with defaults filled in, to a host that nobody connects to. */
export function deliveryInputs(given: Partial<z.input<typeof deliverySchema>> = {}): DeliveryInputs {
  return deliverySchema.parse({
    connection: { address: "192.0.2.1", user: "root", privateKey: key.privateKey, hostKey: key.publicKey },
    ...given,
  });
}
