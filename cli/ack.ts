import type { Command } from "commander";
import { whoIsThis, withCommon } from "./silence.ts";

interface Options {
  readonly stack?: string;
  readonly json?: true;
  readonly for: string;
  readonly comment: string;
  readonly by: string;
}

/** `lab ack`: somebody is on it, so nobody else is called. */
export function register(program: Command): void {
  withCommon(
    program
      .command("ack")
      .description("acknowledge an alert, so that it is not escalated to the next channel")
      .argument("<alert>", "its name, for example PostgresDown")
      .argument("[instance]", "the host that it is of; default every host for which it fires now"),
  )
    .option("--for <time>", "until when at the latest, for example 30m or 8h", "4h")
    .option("--comment <text>", "what you are doing", "somebody is on it")
    .option("--by <name>", "who", whoIsThis())
    .addHelpText(
      "after",
      `
An acknowledgement is a silence of exactly these alerts. When it ends, what still fires is sent again to everybody.

Examples:
  $ ./lab ack PostgresDown proj-pg01
  $ ./lab ack DatastoreFillsUp --for 1d --comment "disks are ordered"
  $ ./lab ack PostgresDown proj-pg01 --stack lab
  $ ./lab silence list

Exit code 1 where the alert does not fire, 2 for a mistake in what was typed, 69 where Alertmanager cannot be reached.
`,
    )
    .action(async (alert: string, instance: string | undefined, options: Options) => {
      const { parseDuration } = await import("./alerts/matchers.ts");
      const { acknowledge } = await import("./alerts/silences.ts");
      const { openAlertmanager } = await import("./alerts/access.ts");
      const author = { by: options.by, comment: options.comment, seconds: parseDuration(options.for) };
      await acknowledge(await openAlertmanager(options.stack), { alert, instance }, author, {
        json: options.json === true,
      });
    });
}
