import { ExecaError } from "execa";
import { expect, it } from "vitest";
import { breaches } from "./contract.ts";
import { startExporter } from "./exporter.ts";
import { startMysqlWorld } from "./mysql-world.ts";
import { goProgram } from "./programs.ts";
import { readByRules } from "./read-by-rules.ts";

/** Both are fetched, from apt and the Go proxy: a machine without either cannot tell. */
const cannotFetch = (error: unknown) =>
  error instanceof ExecaError && /^(apt-get download|go get) /.test(error.command);

it("mysqld_exporter shows what the rules read, of a MariaDB that is a replica", { timeout: 180_000 }, async ({
  skip,
}) => {
  const source = readByRules("mysqld_exporter");
  const got = await Promise.allSettled([
    startMysqlWorld(),
    goProgram("github.com/prometheus/mysqld_exporter", "", source.version),
  ]);
  await using held = new AsyncDisposableStack();
  for (const each of got) if (each.status === "fulfilled") held.use(each.value);
  const [world, program] = got;
  for (const each of got) {
    if (each.status === "fulfilled") continue;
    if (!cannotFetch(each.reason)) throw each.reason;
    skip(`MariaDB or mysqld_exporter cannot be fetched: ${each.reason.message.split("\n")[0]}`);
  }
  if (world.status !== "fulfilled" || program.status !== "fulfilled") return;
  const exporter = held.use(
    await startExporter(program.value.path, [
      "--web.listen-address=127.0.0.1:0",
      `--config.my-cnf=${world.value.clientFile}`,
    ]),
  );
  const page = await exporter.scrape();
  expect(breaches(source, page)).toEqual([]);
  const { mysql_up: up } = source.metrics;
  if (!up) throw new Error("no rule reads mysql_up");
  expect(breaches({ ...source, metrics: { mysql_alive: up } }, page)).toEqual(["mysql_alive is gone"]);
});
