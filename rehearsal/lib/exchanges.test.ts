import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Exchange } from "./api-check.ts";
import { observeExchanges } from "./exchanges.ts";

let app: FastifyInstance;
let seen: Exchange[];
let refuseEarly: boolean;

beforeEach(() => {
  seen = [];
  refuseEarly = false;
  app = Fastify();
  observeExchanges(app, {
    parametersOf: ({ body, params }) => ({ ...(params as object), ...(body as object) }),
    observe: (exchange) => seen.push(exchange),
  });
  app.addHook("onRequest", async (_, reply) => {
    if (refuseEarly) await reply.status(503).send("a fault");
  });
  app.post("/api2/json/config/prune/:id", async () => ({ data: null }));
});

afterEach(() => app.close());

const call = () =>
  app.inject({ method: "POST", url: "/api2/json/config/prune/daily", payload: { store: "vms" } });

it("tells of a call with its path as described, its parameters and its answer", async () => {
  await call();
  expect(seen).toEqual([
    {
      method: "POST",
      path: "/config/prune/{id}",
      parameters: { id: "daily", store: "vms" },
      status: 200,
      data: null,
    },
  ]);
});

it("says nothing of a call that ended before its body was read", async () => {
  refuseEarly = true;
  expect((await call()).statusCode).toBe(503);
  expect(seen).toEqual([]);
});
