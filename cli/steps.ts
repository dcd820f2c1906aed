import type { TextStream } from "./terminal.ts";

/** One piece of work. Steps run side by side unless `dependsOn` names (by title) what must come first. */
export interface Step {
  title: string;
  /** Titles of steps that must have succeeded before this one starts. */
  dependsOn?: readonly string[];
  /** Does the work; `report` shows what it is at. Rejecting fails the step and skips what depends on it. */
  run: (report: (detail: string) => void) => Promise<void>;
}

/** Where {@link runSteps} shows its progress. */
export interface StepOptions {
  /** Default: standard error, so that a command's own output stays clean. */
  stream?: TextStream;
  /** Whether lines may be rewritten in place; default: both it and standard output are terminals. */
  interactive?: boolean;
  /** How often a running step is mentioned when not interactive. Default 10. */
  stillEverySeconds?: number;
}

/** What a reporter is told about a step. `seconds` count from the step's own start. */
export type StepEvent =
  | { kind: "start"; title: string }
  | { kind: "detail"; title: string; detail: string }
  | { kind: "done"; title: string; seconds: number }
  | { kind: "failed"; title: string; seconds: number; error: unknown }
  | { kind: "skipped"; title: string; because: string };

interface Reporter {
  on(event: StepEvent): void;
  finish(): Promise<void>;
}

/**
 * Runs steps as early as their dependencies allow and shows each one's seconds. When a step fails, running
 * ones end, dependent ones are skipped, and the first failure is thrown. An unknown or circular dependency
 * is thrown before anything runs.
 */
export async function runSteps(steps: readonly Step[], options: StepOptions = {}): Promise<void> {
  checkDependencies(steps);
  const stream = options.stream ?? process.stderr;
  const interactive = options.interactive ?? (stream.isTTY === true && process.stdout.isTTY === true);
  const reporter = interactive
    ? await listrReporter(steps)
    : plainReporter(stream, options.stillEverySeconds ?? 10);
  try {
    await schedule(steps, (event) => reporter.on(event));
  } finally {
    await reporter.finish();
  }
}

async function schedule(steps: readonly Step[], emit: (event: StepEvent) => void): Promise<void> {
  const failures: unknown[] = [];
  const outcomes = new Map<string, Promise<boolean>>();
  const runOne = async (step: Step): Promise<boolean> => {
    for (const title of step.dependsOn ?? []) {
      if (await outcomes.get(title)) continue;
      emit({ kind: "skipped", title: step.title, because: title });
      return false;
    }
    const startedAt = performance.now();
    const seconds = () => (performance.now() - startedAt) / 1000;
    emit({ kind: "start", title: step.title });
    try {
      await step.run((detail) => emit({ kind: "detail", title: step.title, detail }));
      emit({ kind: "done", title: step.title, seconds: seconds() });
      return true;
    } catch (error) {
      failures.push(error);
      emit({ kind: "failed", title: step.title, seconds: seconds(), error });
      return false;
    }
  };
  for (const step of inOrder(steps)) outcomes.set(step.title, runOne(step));
  await Promise.all(outcomes.values());
  if (failures.length > 0) throw failures[0];
}

/** Dependencies before dependents, so that each finds the promise it waits for. */
function inOrder(steps: readonly Step[]): Step[] {
  const byTitle = new Map(steps.map((step) => [step.title, step]));
  const ordered = new Set<Step>();
  const visit = (step: Step, path: readonly string[]) => {
    if (ordered.has(step)) return;
    if (path.includes(step.title))
      throw new Error(`steps depend on each other in a circle: ${[...path, step.title].join(" → ")}`);
    for (const title of step.dependsOn ?? []) {
      const dependency = byTitle.get(title);
      if (dependency === undefined)
        throw new Error(`step "${step.title}" depends on "${title}", which is not among the steps`);
      visit(dependency, [...path, step.title]);
    }
    ordered.add(step);
  };
  for (const step of steps) visit(step, []);
  return [...ordered];
}

function checkDependencies(steps: readonly Step[]): void {
  const titles = new Set<string>();
  for (const { title } of steps) {
    if (titles.has(title)) throw new Error(`two steps are called "${title}"`);
    titles.add(title);
  }
  inOrder(steps);
}

/** "4.2 s" or "2 min 05 s". */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

function plainReporter(stream: TextStream, stillEverySeconds: number): Reporter {
  const running = new Map<string, { timer: NodeJS.Timeout; detail: string }>();
  const stop = (title: string) => {
    clearInterval(running.get(title)?.timer);
    running.delete(title);
  };
  const still = (title: string, startedAt: number) => {
    const detail = running.get(title)?.detail ?? "";
    const seconds = formatSeconds((performance.now() - startedAt) / 1000);
    stream.write(`still: ${title} (${seconds}${detail === "" ? "" : `, ${detail}`})\n`);
  };
  return {
    on(event) {
      if (event.kind === "start") {
        const startedAt = performance.now();
        const timer = setInterval(() => still(event.title, startedAt), stillEverySeconds * 1000);
        running.set(event.title, { timer, detail: "" });
        stream.write(`start: ${event.title}\n`);
      } else if (event.kind === "detail") {
        const entry = running.get(event.title);
        if (entry !== undefined) entry.detail = event.detail;
      } else {
        stop(event.title);
        stream.write(`${ending(event)}\n`);
      }
    },
    finish: async () => {
      for (const title of [...running.keys()]) stop(title);
    },
  };
}

function ending(event: Extract<StepEvent, { kind: "done" | "failed" | "skipped" }>): string {
  switch (event.kind) {
    case "done":
      return `done: ${event.title} (${formatSeconds(event.seconds)})`;
    case "failed":
      return `FAILED: ${event.title} (${formatSeconds(event.seconds)})`;
    case "skipped":
      return `skipped: ${event.title} ("${event.because}" did not succeed)`;
  }
}

/** Only what is used of listr2's task, so that the module itself is loaded on demand: most commands show no list. */
interface ShownTask {
  title: string;
  output: string;
  skip(message?: string): void;
}

async function listrReporter(steps: readonly Step[]): Promise<Reporter> {
  const { Listr } = await import("listr2");
  const tasks = new Map<string, ShownTask>();
  const settled = new Map(steps.map((step) => [step.title, Promise.withResolvers<void>()]));
  const allShown = Promise.withResolvers<void>();
  if (steps.length === 0) allShown.resolve();
  const list = new Listr(
    steps.map((step) => ({
      title: step.title,
      task: async (_: unknown, task: ShownTask) => {
        tasks.set(step.title, task);
        if (tasks.size === steps.length) allShown.resolve();
        await settled.get(step.title)?.promise;
      },
    })),
    {
      concurrent: true,
      exitOnError: false,
      rendererOptions: { collapseErrors: false, showErrorMessage: false },
    },
  );
  const finished = list.run();
  await allShown.promise;
  return {
    on(event) {
      const task = tasks.get(event.title);
      if (task === undefined) return;
      if (event.kind === "detail") task.output = event.detail;
      else if (event.kind === "done") task.title = `${event.title} (${formatSeconds(event.seconds)})`;
      else if (event.kind === "skipped") task.skip(`${event.title} ("${event.because}" did not succeed)`);
      if (event.kind === "done" || event.kind === "skipped") settled.get(event.title)?.resolve();
      if (event.kind === "failed") settled.get(event.title)?.reject(event.error);
    },
    finish: async () => {
      await finished;
    },
  };
}
