import { formatStatus, readStatus } from "../status/status.ts";
import type { Commands } from "./command.ts";

export function addStatus({ add, act, out }: Commands): void {
  add("status", "list the runs, their age and whether they are proven").action(
    act(async ({ config, now }, options) => {
      const status = await readStatus(config, now());
      out.write(options.json === true ? `${JSON.stringify(status)}\n` : formatStatus(status));
    }),
  );
}
