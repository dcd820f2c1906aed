import { InvalidArgumentError } from "commander";
import { maintain } from "../maintain/maintain.ts";
import { type Task, tasks, type Wish } from "../maintain/plan.ts";
import { maintenanceRecorded } from "../maintain/recorded.ts";
import type { Commands, CommonOptions } from "./command.ts";

interface MaintainOptions extends CommonOptions {
  every?: true;
  dryRun?: true;
  windowMinutes?: number;
}

const descriptions: Record<Task | "all", string> = {
  vacuum: "vacuum the tables with many dead rows, or rows so old that they must be frozen",
  analyze: "gather statistics of the tables that have changed",
  reindex: "build bloated indexes anew beside the old ones, and drop what an interrupted one has left",
  bloat: "tell how much of the tables and indexes is bloat; changes nothing",
  all: "all of these",
};

/** What the timers start. */
const rounds = {
  daily: {
    description: "vacuum and analyze, by need",
    wish: { tasks: ["vacuum", "analyze"], every: [] },
  },
  weekly: {
    description: "vacuum and analyze every table, and take care of indexes by need",
    wish: { tasks: ["vacuum", "analyze", "reindex"], every: ["vacuum", "analyze"] },
  },
  monthly: {
    description: "build every index anew, analyze every table, and look for bloat",
    wish: { tasks: ["analyze", "reindex", "bloat"], every: ["analyze", "reindex"] },
  },
} as const satisfies Record<string, { description: string; wish: Wish }>;

export function addMaintain(commands: Commands): void {
  commands.add("maintain", "keep tables and indexes in shape, by need, and give way to backups").addHelpText(
    "after",
    `
Examples:
  dbkeeper maintain vacuum --window-minutes 45
  dbkeeper maintain all --dry-run`,
  );
  for (const task of tasks) addTask(commands, task, [task]);
  addTask(commands, "all", tasks);
  for (const [name, { description, wish }] of Object.entries(rounds)) {
    add(commands, name, description, () => wish);
  }
}

function addTask(commands: Commands, name: Task | "all", wanted: readonly Task[]): void {
  const command = add(commands, name, descriptions[name], ({ every }) => ({
    tasks: wanted,
    every: every === true ? wanted : [],
  }));
  if (name !== "bloat") command.option("--every", "every table and index, whatever its need");
}

function add(
  { add, act, audited, recorded }: Commands,
  name: string,
  description: string,
  wishOf: (options: MaintainOptions) => Wish,
) {
  return add(`maintain ${name}`, description)
    .option("--dry-run", "tell what would be done and do nothing")
    .option(
      "--window-minutes <number>",
      "start nothing after that; default `maintain.windowMinutes`",
      minutes,
    )
    .action(
      act<MaintainOptions>(async (context, options) => {
        const { metricsFile, windowMinutes } = context.config.maintain;
        const wish = {
          ...wishOf(options),
          dryRun: options.dryRun === true,
          windowMinutes: options.windowMinutes ?? windowMinutes,
        };
        const work = () => maintain(context, wish);
        if (wish.dryRun) await work();
        else if (metricsFile === undefined) await recorded(context, "maintain", work, "maintenance");
        else await audited(context, "maintain", () => maintenanceRecorded(context, metricsFile, work));
      }),
    );
}

function minutes(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1440) return Number(text);
  throw new InvalidArgumentError("must be minutes from 1 to 1440");
}
