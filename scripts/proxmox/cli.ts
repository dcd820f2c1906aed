import { Command, CommanderError } from "commander";
import { humanReport, jsonReport, type Sink } from "../events.ts";
import { kindOf, messageOf } from "../exit-codes.ts";
import { collect } from "./collect.ts";
import { defaultConfigFile, loadConfig } from "./config.ts";
import { describeExitCodes, exitCodes } from "./exit-codes.ts";

/** The world around the command line. */
export interface CommandLine {
  out: Sink & { isTTY?: boolean };
  err: Sink;
  /** Fires when the command is to end early. */
  signal: AbortSignal;
  /** Milliseconds since 1970. Default: the clock. */
  now?: () => number;
}

/** Runs the command line; resolves to the exit code. */
export async function runProxwatch(argv: readonly string[], around: CommandLine): Promise<number> {
  const report = around.out.isTTY === true ? humanReport(around.err) : jsonReport(around.out);
  let code = 0;
  const program = new Command("proxwatch")
    .description(
      "Writes what Proxmox VE and Proxmox Backup Server say of backups, guests and nodes to a file for node_exporter.",
    )
    .option("--config <file>", "configuration file", defaultConfigFile)
    .option("--fresh", "read also what is read only now and then, however recently it was")
    .configureOutput({
      writeOut: (text) => around.out.write(text),
      writeErr: (text) => around.err.write(text),
    })
    .exitOverride()
    .showHelpAfterError("Run with --help for usage.")
    .addHelpText("after", `\n${describeExitCodes()}`)
    .action(async ({ config: path, fresh = false }: { config: string; fresh?: boolean }) => {
      try {
        const config = await loadConfig(path);
        await collect(fresh ? { ...config, slowIntervalSeconds: 0 } : config, {
          report,
          signal: around.signal,
          now: around.now ?? Date.now,
        });
      } catch (error) {
        const kind = kindOf(error);
        code = (exitCodes[kind] ?? exitCodes.other)?.code ?? 1;
        report.event("error", "failed", messageOf(error), { kind, exitCode: code });
      }
    });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : (exitCodes.usage?.code ?? 2);
    throw error;
  }
}
