import { execa } from "execa";
import { type ExecResult, execInGuest } from "../../rehearsal/guests/exec.ts";
import { type Block, fillIn } from "./blocks.ts";
import type { RunbookLab } from "./lab.ts";

/** What a block did, `problem` undefined where it did what a reader needs. */
export interface Outcome {
  readonly block: Block;
  readonly seconds: number;
  readonly problem: string | undefined;
  readonly output: string;
}

/** How long a block may take, in seconds. */
const deadlineSeconds = 90;

/** What `timeout` ends with when it had to end its command. */
const overdue = new Set([124, 137]);

/** What a shell and its programs say of a line that cannot work, whatever the line makes of their exit code. */
const wrong =
  /.*(command not found|no such file or directory|(invalid|unrecognized|unknown) (option|operation|command)|could not be found).*/i;

/**
 * Holds the standard input open and silent, as a terminal is whose person does not know what to type: a block that
 * asks then runs into its deadline.
 */
const silently =
  'pipe=$(mktemp -u) && mkfifo "$pipe" && exec 0<>"$pipe" && rm "$pipe" && exec timeout --kill-after=2 "$@"';

/** Each line must succeed, as who types them sees it: of a pipe the last program counts. */
const everyLine = "set -eu\n";

/**
 * Runs blocks that a rehearsal can run, equal ones once: first those that only look, all places at once, then those
 * that change something, one after the other.
 */
export async function runBlocks(blocks: readonly Block[], lab: RunbookLab): Promise<Outcome[]> {
  const once = [
    ...new Map(
      blocks.filter(({ notHere }) => notHere === undefined).map((block) => [identity(block), block]),
    ).values(),
  ];
  const looks = once.filter(({ changes }) => !changes);
  const places = [...new Set(looks.map(({ place }) => place))];
  const looked = await Promise.all(
    places.map((place) =>
      inTurn(
        looks.filter((block) => block.place === place),
        lab,
      ),
    ),
  );
  const changes = once.filter((block) => block.changes);
  return [...looked.flat(), ...(await inTurn(changes, lab))];
}

async function inTurn(blocks: readonly Block[], lab: RunbookLab): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const block of blocks) outcomes.push(await runBlock(block, lab));
  return outcomes;
}

function identity({ language, place, database, changes, text }: Block): string {
  return JSON.stringify([language, place, database, changes, text]);
}

async function runBlock(block: Block, lab: RunbookLab): Promise<Outcome> {
  const began = performance.now();
  const result = await (block.language === "sql" ? runSql(block, lab) : runShell(block, lab));
  return {
    block,
    seconds: (performance.now() - began) / 1000,
    problem: problemOf(block, result),
    output: `${result.stdout}${result.stderr}`.trim(),
  };
}

/** Why what a block did helps nobody, `undefined` where it does. */
export function problemOf(
  { language, changes }: Pick<Block, "language" | "changes">,
  { exitCode, signal, stdout, stderr }: ExecResult,
): string | undefined {
  if (exitCode !== undefined && overdue.has(exitCode))
    return `did not end within ${deadlineSeconds} s: it waits for input, or runs for ever`;
  if (exitCode !== 0) return `ended with ${exitCode ?? signal}`;
  const complaint = language === "sh" ? wrong.exec(stderr)?.[0] : undefined;
  if (complaint !== undefined) return `hides that a line is wrong: ${complaint.trim()}`;
  if (language === "sh" && !changes && `${stdout}${stderr}`.trim() === "")
    return "prints nothing: who reads it cannot tell good from bad (add || echo 'none …')";
  return undefined;
}

function runSql(block: Block, lab: RunbookLab): Promise<ExecResult> {
  const options = [
    `-cstatement_timeout=${deadlineSeconds}s`,
    ...(block.changes ? [] : ["-cdefault_transaction_read_only=on"]),
  ];
  return execInGuest(
    guestOf(block, lab),
    [
      ...(["runuser", "-u", "postgres", "--", "env", `PGOPTIONS=${options.join(" ")}`] as const),
      ...["timeout", "--kill-after=2", String(deadlineSeconds + 2)],
      ...["psql", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--dbname", fillIn(block.database, lab.values)],
    ],
    { input: fillIn(block.text, lab.values), timeoutSeconds: deadlineSeconds + 10 },
  );
}

async function runShell(block: Block, lab: RunbookLab): Promise<ExecResult> {
  const script = `${everyLine}${fillIn(block.text, lab.values)}`;
  const argv = ["bash", "-c", silently, "runbook", String(deadlineSeconds), "bash", "-c", script] as const;
  if (block.place !== "anywhere")
    return execInGuest(guestOf(block, lab), argv, { timeoutSeconds: deadlineSeconds + 10 });
  const [program, ...args] = argv;
  const { exitCode, signal, stdout, stderr } = await execa(program, args, {
    cwd: lab.root,
    reject: false,
    timeout: (deadlineSeconds + 10) * 1000,
    env: { NO_COLOR: "1" },
  });
  return { exitCode, signal, stdout, stderr };
}

function guestOf({ page, line, place }: Block, { guests }: RunbookLab) {
  if (place === undefined || place === "anywhere") throw new Error(`${page}:${line}: runs in no guest`);
  return guests[place];
}
