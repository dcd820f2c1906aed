import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { register as registerAck } from "./ack.ts";
import { register as registerBackup } from "./backup.ts";
import { register as registerBench } from "./bench.ts";
import { register as registerDoctor } from "./doctor.ts";
import { register as registerDown } from "./down.ts";
import { register as registerDrill } from "./drill.ts";
import { register as registerKeys } from "./keys.ts";
import { register as registerLogs } from "./logs.ts";
import { register as registerPreview } from "./preview.ts";
import { register as registerPulumi } from "./pulumi.ts";
import { register as registerRestore } from "./restore.ts";
import { register as registerRules } from "./rules.ts";
import { register as registerSilence } from "./silence.ts";
import { register as registerStatus } from "./status.ts";
import { exitCodes, printError } from "./terminal.ts";
import { register as registerTest } from "./test.ts";
import { register as registerUp } from "./up.ts";

/** What every command file exports: it adds itself and loads its implementation inside the action. */
type Register = (program: Command) => void;

/** In the order of `lab --help`. */
const commands: readonly Register[] = [
  registerUp,
  registerStatus,
  registerAck,
  registerSilence,
  registerBackup,
  registerRestore,
  registerDown,
  registerPreview,
  registerPulumi,
  registerRules,
  registerDrill,
  registerKeys,
  registerTest,
  registerLogs,
  registerDoctor,
  registerBench,
];

/** The command line with every command on it; throws commander's error instead of exiting. */
export function createProgram(): Command {
  const program = new Command("lab")
    .description("The astronomy lab as code: built, protected and watched, on one machine or on Proxmox.")
    .version(readVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "explain a command")
    .helpCommand("help [command]", "explain a command")
    .showSuggestionAfterError(true)
    .showHelpAfterError("Run with --help for usage.")
    .addHelpText(
      "after",
      "\nExamples:\n  $ ./lab doctor            what this machine lacks, and the one command that mends it\n" +
        "  $ ./lab up                build the whole lab on this machine\n" +
        "  $ ./lab status --json     what runs and how well it is protected, for scripts\n" +
        "  $ ./lab down              end everything that `up` started\n",
    );
  for (const register of commands) register(program);
  inheritExit(program);
  return program;
}

/** Commands keep commander's settings only when asked to, so that exit codes are ours everywhere. */
function inheritExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    inheritExit(child);
  }
}

function readVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "unknown";
}

/** Runs the command line; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await createProgram().parseAsync([...argv], { from: "user" });
    return typeof process.exitCode === "number" ? process.exitCode : 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and version are thrown as well, with exit code 0; bare `lab` prints its help as a usage error.
      return error.exitCode === 0 ? 0 : exitCodes.usage;
    }
    return printError(error);
  }
}

if (import.meta.main) {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", ignoreClosedPipe);
  process.exitCode = await main(process.argv.slice(2));
}

/** A reader that went away must not end an `up` halfway; whatever else cannot be written is an error as ever. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
}
