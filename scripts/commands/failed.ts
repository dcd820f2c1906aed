import { tellOfFailure } from "../report/failed.ts";
import type { Commands, CommonOptions } from "./command.ts";

interface FailedOptions extends CommonOptions {
  unit: string;
}

export function addFailed({ add, act }: Commands): void {
  add("failed", "tell people that a systemd unit failed; what OnFailure= starts")
    .requiredOption("--unit <name>", "the unit")
    .addHelpText("after", "\nExample:\n  $ dbkeeper failed --unit dbkeeper.service\n")
    .action(
      act((context, { unit }: FailedOptions) =>
        tellOfFailure(context, {
          unit,
          result: process.env.MONITOR_SERVICE_RESULT,
          status: process.env.MONITOR_EXIT_STATUS,
        }),
      ),
    );
}
