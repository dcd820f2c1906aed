import { exchangeProblems } from "../../rehearsal/lib/api-check.ts";
import { type Product, readApiDescription } from "../../rehearsal/lib/api-description.ts";
import { readCallLog } from "../../rehearsal/lib/call-log.ts";

export interface RecordedCalls {
  /** How many calls were recorded. */
  readonly count: number;
  /** Each called method and path, once. */
  readonly called: readonly string[];
  /** What of the calls and answers is not as the API is described, each once; undefined without a description. */
  readonly problems: readonly string[] | undefined;
}

/** Holds every call that a lab's simulator recorded, and every answer, against the product's API description. */
export async function recordedCalls(folder: string, product: Product): Promise<RecordedCalls> {
  const exchanges = await readCallLog(folder, product);
  const api = readApiDescription(product);
  const problems = api && exchanges.flatMap((exchange) => exchangeProblems(product, api, exchange));
  return {
    count: exchanges.length,
    called: [...new Set(exchanges.map(({ method, path }) => `${method} ${path}`))].sort(),
    problems: problems && [...new Set(problems)],
  };
}
