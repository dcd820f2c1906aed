#!/usr/bin/env node
import { runCli } from "./cli.ts";
import { Failure } from "./exit-codes.ts";

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => controller.abort(new Failure("other", `interrupted by ${name}`)));
}
// A reader that went away (`| head`, a restarted journal) must not end a backup.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);

process.exitCode = await runCli(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  signal: controller.signal,
});
