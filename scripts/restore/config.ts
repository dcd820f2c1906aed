import * as z from "zod";
import { connectionShape, networkSchema } from "../postgres/connection.ts";

/** Where restores go to, and as whom. */
export const restoreSchema = z
  .strictObject({
    /**
     * Superuser's role on the cluster itself. Default `postgres`. The timers' account must not be let in as it: root
     * restores.
     */
    role: z.string().min(1).default("postgres"),
    /** Servers for `--into <name>`, beside the cluster itself; each role must be a superuser there. Default: none. */
    targets: z
      .record(
        z.string().min(1),
        z.strictObject({
          ...connectionShape,
          /** For a server on another host. Default: the socket. */
          network: networkSchema.optional(),
        }),
      )
      .default({}),
  })
  .prefault({});
