import { run } from "../run/run.ts";
import type { Commands } from "./command.ts";

export function addRun({ add, act, recorded }: Commands): void {
  add("run", "dump, validate by restoring, prune; what the timer starts").action(
    act((context) => recorded(context, "run", () => run(context))),
  );
}
