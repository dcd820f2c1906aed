import { exitCodes, Failure } from "../exit-codes.ts";
import { checkHealth, components, formatHealth, scopes } from "../health/health.ts";
import { serveHealth } from "../health/serve.ts";
import { refreshMetrics } from "../metrics/metrics.ts";
import type { Commands, CommonOptions } from "./command.ts";

const examples = `
Ends with 9 where a component is failing, with 0 where all are ok or only warn.

Examples:
  $ dbkeeper health                        # every component
  $ dbkeeper health --ready --json         # may it be given work?
  $ dbkeeper health --only disk,folders    # as the timers do
`;

interface HealthOptions extends CommonOptions {
  live?: true;
  ready?: true;
  only?: string;
}

export function addHealth({ add, act, out }: Commands): void {
  add("health", "whether the server, its host and its dumps are well")
    .option("--live", "only whether the server answers")
    .option("--ready", "only whether the server can be given work")
    .option("--only <components>", `only these, separated by commas: ${components.join(", ")}`)
    .addHelpText("after", examples)
    .action(
      act(async (context, options: HealthOptions) => {
        const startedAt = performance.now();
        const names = chosen(options);
        const health = await checkHealth(context, names);
        out.write(options.json === true ? `${JSON.stringify(health)}\n` : formatHealth(health));
        const failing = names.filter((name) => health.components[name]?.state === "failing");
        if (options.only !== undefined) {
          // A check that a timer starts is seen by Prometheus, whether it could see anything itself or not.
          const durationSeconds = (performance.now() - startedAt) / 1000;
          const exitCode = exitCodes[failing.length === 0 ? "ok" : "unhealthy"].code;
          await refreshMetrics(context, { command: `health ${names.join(",")}`, exitCode, durationSeconds });
        }
        if (failing.length > 0) throw new Failure("unhealthy", `failing: ${failing.join(", ")}`);
      }),
    );
  add("health serve", "the same over HTTP: /health, /health/live, /health/ready, /metrics").action(
    act((context) => serveHealth(context)),
  );
}

function chosen({ live, ready, only }: HealthOptions): readonly string[] {
  if ([live, ready, only].filter((option) => option !== undefined).length > 1)
    throw new Failure("usage", "--live, --ready and --only exclude each other");
  if (only === undefined) return scopes[live ? "live" : ready ? "ready" : "overall"];
  const names = only.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !components.includes(name));
  if (unknown !== undefined)
    throw new Failure(
      "usage",
      `there is no component ${JSON.stringify(unknown)}; there are ${components.join(", ")}`,
    );
  return components.filter((name) => names.includes(name));
}
