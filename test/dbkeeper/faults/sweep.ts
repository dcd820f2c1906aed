import { createHash } from "node:crypto";
import { exitCodes } from "../../../scripts/exit-codes.ts";
import { until } from "../../../scripts/testing/wait.ts";
import { type Call, type FaultKind, faultKinds } from "./kinds.ts";
import type { Lane, World } from "./lane.ts";
import { differences, type Picture } from "./picture.ts";
import { type Ended, type Program, processesOf, type RunOptions } from "./program.ts";
import type { Scenario } from "./scenarios.ts";

/** The program whose calls fail. */
interface Swept {
  program: Program;
}

/** A command with all that it calls, and the state that it leaves when nothing disturbs it. */
export interface Recorded {
  scenario: Scenario;
  calls: readonly Call[];
  reference: Picture;
}

/** One call that fails in one way. */
export interface Case {
  recorded: Recorded;
  call: Call;
  kind: FaultKind;
}

/** Runs a command undisturbed, and again: twice must be as once. */
export async function record(ground: Swept, lane: Lane, scenario: Scenario): Promise<Recorded> {
  const world = await scenario.begin(lane);
  const { ended, calls } = await ground.program.record(argvOf(scenario, world), placeOf(world));
  if (ended.code !== 0) throw new Error(`${scenario.name} ended with ${ended.code}:\n${ended.output}`);
  const reference = await scenario.picture(world);
  const again = await world.run(...scenario.argv);
  const differs = differences(reference, await scenario.picture(world));
  if (again.code !== 0) differs.push(`the second time ended with ${again.code}: ${again.output}`);
  if (differs.length > 0) throw new Error(`${scenario.name} twice is not as once:\n${differs.join("\n")}`);
  await world.remove();
  return { scenario, calls, reference };
}

function argvOf({ argv }: Scenario, { configFile }: World): string[] {
  return [...argv, "--config", configFile];
}

function placeOf({ folder, runAs = [] }: World): RunOptions {
  return { temporary: `${folder}/temporary`, prefix: runAs };
}

/**
 * Every way in which every call of the commands can fail. A place in the sources that several commands reach counts as
 * one with each kind of thing that it is called on.
 */
export function everyCase(
  all: readonly Recorded[],
  name = ({ at, operation }: Call) => `${at} ${operation}`,
): Case[] {
  const known = new Set<string>();
  return all.flatMap((recorded) =>
    recorded.calls.flatMap((call) => {
      const what = name(call);
      if (known.has(what)) return [];
      known.add(what);
      return faultKinds[call.type].map((kind) => ({ recorded, call, kind }));
    }),
  );
}

/** One case for each place in the sources from which something is called: which kind of fault, its name decides. */
export function oneCaseEach(cases: readonly Case[], name: (call: Call) => string): Case[] {
  const bySite = Map.groupBy(cases, ({ call }) => call.at);
  return [...bySite.values()].map((all) => {
    const [first] = all as [Case];
    const turn = createHash("sha256").update(name(first.call)).digest().readUInt32BE();
    return all[turn % all.length] as Case;
  });
}

/** Tries a case; resolves to what is wrong, one line each. */
export async function tryCase(ground: Swept, lane: Lane, one: Case): Promise<string[]> {
  const { recorded, call, kind } = one;
  const { scenario, reference } = recorded;
  const world = await scenario.begin(lane);
  const problems: string[] = [];
  const { ended, fired } = await ground.program.fail(argvOf(scenario, world), {
    ...placeOf(world),
    call,
    kind,
  });
  if (!fired) problems.push(`the call was not made:\n${ended.output}`);
  problems.push(...problemsOf(ended, kind), ...(await scenario.unsound(world, one)));
  if (ended.code === 0 && !/"level":"(warning|error)"/.test(ended.output)) {
    // Metrics that cannot be read vanish or age, which is what tells of it.
    const silent = differences(reference, await scenario.picture(world)).filter(
      (line) => !line.includes(".prom:") && !isUnknowable(line, one),
    );
    problems.push(...silent.map((line) => `said that all is well, but ${line}`));
  }
  const again = await runAgain(one, world, ended);
  if (again.code !== 0) problems.push(`run again it ended with ${again.code}:\n${again.output}`);
  const sessions = [ended.session, again.session];
  await until("processes to end", async () => (await processesOf(sessions)).length === 0, 10).catch(
    () => undefined,
  );
  problems.push(...(await processesOf(sessions)).map((command) => `still runs: ${command}`));
  const left = differences(reference, await scenario.picture(world));
  problems.push(...left.filter((line) => !isUnknowable(line, one)), ...(await scenario.unsound(world)));
  await world.remove();
  return problems.length === 0
    ? []
    : [...problems, `(the fault: ${ended.code} ${ended.output.split("\n").slice(-3).join("\n")})`];
}

/**
 * Runs the command again. pgBackRest that goes on after dbkeeper was killed holds its own lock, and the command may say
 * so until that has ended.
 */
async function runAgain(
  { call, recorded: { scenario } }: Case,
  world: World,
  { session }: Ended,
): Promise<Ended> {
  const again = await world.run(...scenario.argv);
  if (again.code !== exitCodes.busy.code || !call.operation.startsWith("spawn pgbackrest")) return again;
  await until("pgBackRest to end", async () => (await processesOf([session])).length === 0, 60);
  return await world.run(...scenario.argv);
}

/** An upload whose number was lost with the process, or with the answer, is given up by the bucket's lifecycle alone. */
function isUnknowable(difference: string, { call, kind }: Case): boolean {
  return difference.startsWith("upload ") && (kind.startsWith("kill-") || call.type === "request");
}

const documented = Object.values(exitCodes).map(({ code }) => code);

function problemsOf({ code, output }: Ended, kind: FaultKind): string[] {
  if (kind.startsWith("kill-")) return code === null ? [] : [`was not killed, but ended with ${code}`];
  if (code === null) return ["was killed, or hung"];
  if (!documented.includes(code)) return [`ended with the unknown code ${code}`];
  if (code !== 0 && !/"event":"failed","text":"[^"]/.test(output))
    return [`ended with ${code} without a word`];
  return [];
}

/** A case that went wrong, for people. */
export function describeCase(
  { program }: Swept,
  { recorded, call, kind }: Case,
  problems: readonly string[],
): string {
  return `${recorded.scenario.name}: ${kind} in ${program.describe(call)}\n  ${problems.join("\n  ")}`;
}
