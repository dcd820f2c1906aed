import { readdir, readFile } from "node:fs/promises";

/** Everything that every user of the machine can read of a process: its arguments. */
export interface ArgumentsWatch {
  /** Ends the watch; gives the arguments of all processes that were seen. */
  stop(): string[];
}

export function watchArguments(): ArgumentsWatch {
  const seen = new Set<string>();
  let busy = false;
  const timer = setInterval(async () => {
    if (busy) return;
    busy = true;
    for (const pid of await readdir("/proc")) {
      if (!/^\d+$/.test(pid)) continue;
      // It may have ended since.
      const text = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (text !== "") seen.add(text.replaceAll("\0", " "));
    }
    busy = false;
  }, 20);
  return {
    stop() {
      clearInterval(timer);
      return [...seen];
    },
  };
}

/** Which of the secrets occur in which of the texts. The secrets themselves are not repeated, but named. */
export function leaks(
  secrets: ReadonlyMap<string, string>,
  texts: Readonly<Record<string, string>>,
): string[] {
  return Object.entries(texts).flatMap(([where, text]) =>
    [...secrets].flatMap(([name, secret]) =>
      formsOf(secret).some((form) => text.includes(form)) ? [`${name} is in ${where}`] : [],
    ),
  );
}

/** As it is, within JSON, and in the encodings that tools put what they are given into. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    bytes.toString("base64"),
    bytes.toString("hex"),
    encodeURIComponent(secret),
  ];
}
