import { dump } from "../dump/dump.ts";
import { requireComplete } from "../run/run.ts";
import type { Commands } from "./command.ts";

export function addDump({ add, act, recorded }: Commands): void {
  add("dump", "dump every database and the globals into a new run").action(
    act((context) => recorded(context, "dump", async () => requireComplete(await dump(context)))),
  );
}
