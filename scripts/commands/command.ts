import type { Command } from "commander";
import type { Context, LockPurpose } from "../context.ts";
import type { Sink } from "../events.ts";

/** What every command takes. */
export interface CommonOptions {
  config: string;
  json?: true;
}

/** What a command's file gets to add its commands with. */
export interface Commands {
  /** Adds a command with the common options; `name` may have a parent, for example `wal status`. */
  add(name: string, description: string): Command;
  /** Where answers go, as opposed to events. */
  readonly out: Sink;
  /** An action that gets the configuration and ends the program with the exit code of its failure. */
  act<Options extends CommonOptions>(
    work: (context: Context, options: Options) => Promise<void>,
  ): (options: Options) => Promise<void>;
  /** Work that changes something: in the end there is one event that says who did what, and how it ended. */
  audited(context: Context, command: string, work: () => Promise<void>): Promise<void>;
  /**
   * Audited work that is recorded in the metrics under its command's name, under a lock, by default the cluster's. Metrics are
   * written also after it failed.
   */
  recorded(
    context: Context,
    command: string,
    work: () => Promise<void>,
    purpose?: LockPurpose,
  ): Promise<void>;
}
