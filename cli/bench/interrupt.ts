import { UserError } from "../terminal.ts";

/** Runs work that ends in order, with its signal aborted, on Ctrl-C or when the command is to end. */
export async function endedBySignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const end = (name: NodeJS.Signals) =>
    controller.abort(new UserError(`ended by ${name}`, { exitCode: 130 }));
  const names = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const name of names) process.on(name, end);
  try {
    return await work(controller.signal);
  } finally {
    for (const name of names) process.off(name, end);
  }
}
