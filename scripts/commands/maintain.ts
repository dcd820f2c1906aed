import { InvalidArgumentError } from "commander";
import { maintain } from "../maintain/maintain.ts";
import { type Task, tasks } from "../maintain/plan.ts";
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
}

function addTask({ add, act, recorded }: Commands, name: Task | "all", wanted: readonly Task[]): void {
  const command = add(`maintain ${name}`, descriptions[name])
    .option("--dry-run", "tell what would be done and do nothing")
    .option(
      "--window-minutes <number>",
      "start nothing after that; default `maintain.windowMinutes`",
      minutes,
    );
  if (name !== "bloat") command.option("--every", "every table and index, whatever its need");
  command.action(
    act<MaintainOptions>(async (context, { dryRun, every, windowMinutes }) => {
      const wish = {
        tasks: wanted,
        every: every === true,
        dryRun: dryRun === true,
        windowMinutes: windowMinutes ?? context.config.maintain.windowMinutes,
      };
      const work = () => maintain(context, wish);
      await (wish.dryRun ? work() : recorded(context, "maintain", work, "maintenance"));
    }),
  );
}

function minutes(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= 1440) return Number(text);
  throw new InvalidArgumentError("must be minutes from 1 to 1440");
}
