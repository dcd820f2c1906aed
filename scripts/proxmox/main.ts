#!/usr/bin/env node
import { Failure } from "../exit-codes.ts";
import { runProxwatch } from "./cli.ts";

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => controller.abort(new Failure("other", `interrupted by ${name}`)));
}

process.exitCode = await runProxwatch(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  signal: controller.signal,
});
