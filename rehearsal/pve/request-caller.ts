import type { FastifyRequest } from "fastify";
import { authenticate, type Caller } from "./auth.ts";
import { nowSeconds, type Simulator } from "./simulator.ts";

/** Who made a request; fails with 401. */
export function requestCaller(sim: Simulator, request: FastifyRequest): Caller {
  const { authorization, cookie, csrfpreventiontoken } = request.headers;
  const { access, pools } = sim.store.state;
  return authenticate(
    {
      tokens: sim.config.tokens,
      access,
      ticketKey: sim.ticketKey,
      poolOf: (vmid) => Object.keys(pools).find((pool) => pools[pool]?.vmids.includes(Number(vmid))),
      now: nowSeconds(sim),
    },
    { authorization, cookie, csrfToken: csrfpreventiontoken?.toString(), method: request.method },
  );
}
