import { z } from "zod";
import type { Caller } from "./auth.ts";
import { explainIssues } from "./errors.ts";
import type { Simulator } from "./simulator.ts";

/** One request whose caller is known. */
export interface Call {
  sim: Simulator;
  caller: Caller;
}

/** A list of which the whole is longer. */
export class Page {
  readonly data: unknown;
  readonly total: number;

  constructor(data: unknown, total: number) {
    this.data = data;
    this.total = total;
  }
}

/** One method of one path of the API. */
export interface Route {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** As in the API's description, e.g. /nodes/{node}/qemu/{vmid}. */
  path: string;
  /** All parameters, those of the path included. */
  params: z.ZodObject;
  /** Whether it is open to callers who have not said who they are. */
  world: boolean;
  /** Fails with 403 where a caller may not make a call with these checked parameters. */
  permit(call: Call, params: Record<string, unknown>): void;
  /** Checks parameters and privileges, then does the work; gives what stands under `data`. */
  handle(call: Call, input: Record<string, unknown>): Promise<unknown>;
}

interface RouteDefinition<S extends z.ZodRawShape> {
  method: Route["method"];
  path: string;
  params: S;
  world?: true;
  /** Fails with 403; left out where every authenticated caller may. */
  permit?(caller: Caller, params: z.output<z.ZodObject<S, z.core.$strict>>, sim: Simulator): void;
  run(params: z.output<z.ZodObject<S, z.core.$strict>>, call: Call): unknown;
}

/** Makes a route whose handler gets checked, typed parameters. */
export function route<S extends z.ZodRawShape>(definition: RouteDefinition<S>): Route {
  const params = z.strictObject(definition.params);
  return {
    method: definition.method,
    path: definition.path,
    params,
    world: definition.world ?? false,
    permit(call, checked) {
      definition.permit?.(call.caller, checked as z.output<typeof params>, call.sim);
    },
    async handle(call, input) {
      const checked = params.safeParse(input);
      if (!checked.success) throw explainIssues(checked.error.issues, input);
      call.sim.observe?.({ method: definition.method, path: definition.path, params: checked.data });
      this.permit(call, checked.data);
      return (await definition.run(checked.data, call)) ?? null;
    },
  };
}
