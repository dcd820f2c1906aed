import { type Command, InvalidArgumentError } from "commander";

/** Adds `lab logs`. */
export function register(program: Command): void {
  program
    .command("logs")
    .description("show the log of a service of the lab on this machine")
    .argument("<service>", "name of the service, as in `lab status`")
    .option("-n, --lines <count>", "how many of the last lines", parseCount, 100)
    .option("-f, --follow", "wait for further lines", false)
    .addHelpText("after", "\nExamples:\n  $ ./lab logs pve\n  $ ./lab logs s3 -n 20 -f\n")
    .action(async (service: string, options: { lines: number; follow: boolean }) => {
      const { showLog } = await import("./log-file.ts");
      await showLog(service, options);
    });
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0)
    throw new InvalidArgumentError("It must be a whole number, 0 or more.");
  return count;
}
