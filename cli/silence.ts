import { userInfo } from "node:os";
import { type Command, Option } from "commander";

interface Common {
  readonly stack?: string;
  readonly json?: true;
}

interface Add extends Common {
  readonly alert?: string;
  readonly instance?: string;
  readonly for: string;
  readonly comment: string;
  readonly by: string;
}

const examples = `
Examples:
  $ ./lab silence --instance proj-pg02 --for 2h --comment "new memory"
  $ ./lab silence --alert PostgresReplicationLag --instance proj-pg02 --for 30m --comment "bulk load"
  $ ./lab silence 'area=backup' 'severity=warning' --for 1d --comment "tape library moves"
  $ ./lab silence list
  $ ./lab silence expire 3f2a91c0

Exit code 2 for a mistake in what was typed, 69 where Alertmanager cannot be reached, else 1.
`;

/** `lab silence`: nothing is sent of what matches, for a time. */
export function register(program: Command): void {
  const command = program
    .command("silence")
    .description("send nothing of some alerts for a time; list and end that")
    .addHelpText("after", examples);
  const add = command
    .command("add", { isDefault: true })
    .description("send nothing of alerts that match everything given")
    .argument("[matchers...]", "LABEL=VALUE, LABEL!=VALUE, LABEL=~REGEX or LABEL!~REGEX")
    .option("--alert <name>", "the same as alertname=NAME")
    .option("--instance <host>", "the same as instance=HOST")
    .requiredOption("--for <time>", "how long, for example 30m, 2h or 7d")
    .requiredOption("--comment <text>", "why, for whoever wonders about the silence");
  withCommon(add)
    .option("--by <name>", "who", whoIsThis())
    .addHelpText("after", examples)
    .action(async (texts: string[], options: Add) => {
      const { parseDuration, parseMatcher, usage } = await import("./alerts/matchers.ts");
      const { silence } = await import("./alerts/silences.ts");
      const { openAlertmanager } = await import("./alerts/access.ts");
      const matchers = [
        ...(options.alert === undefined ? [] : [parseMatcher(`alertname=${options.alert}`)]),
        ...(options.instance === undefined ? [] : [parseMatcher(`instance=${options.instance}`)]),
        ...texts.map(parseMatcher),
      ];
      if (matchers.length === 0)
        throw usage("nothing says what to silence", "name matchers, --alert or --instance");
      const author = { by: options.by, comment: options.comment, seconds: parseDuration(options.for) };
      await silence(await openAlertmanager(options.stack), matchers, author, output(options));
    });
  withCommon(
    command.command("list").description("show what is silenced or acknowledged, and how much of it fires"),
  )
    .option("--all", "also what has ended, for some days")
    .action(async (options: Common & { readonly all?: true }) => {
      const { listSilences } = await import("./alerts/silences.ts");
      const { openAlertmanager } = await import("./alerts/access.ts");
      const all = options.all === true;
      await listSilences(await openAlertmanager(options.stack), { all }, output(options));
    });
  withCommon(command.command("expire").description("end silences or acknowledgements before their time"))
    .argument("<ids...>", "their ids, or how they begin")
    .action(async (ids: string[], options: Common) => {
      const { expireSilences } = await import("./alerts/silences.ts");
      const { openAlertmanager } = await import("./alerts/access.ts");
      await expireSilences(await openAlertmanager(options.stack), ids, output(options));
    });
}

/** What every command on alerts takes. */
export function withCommon(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--stack <name>",
        "a stack of your own backend, with your environment as `pulumi` has it; without it the lab on this machine",
      ),
    )
    .option("--json", "for scripts");
}

function output({ json }: Common): { readonly json: boolean } {
  return { json: json === true };
}

/** Who sits at the terminal, also behind sudo. */
export function whoIsThis(): string {
  return process.env.SUDO_USER ?? process.env.USER ?? userInfo().username;
}
