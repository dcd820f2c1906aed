/** What pg_restore complained about. */
export interface RestoreErrors {
  count: number;
  /** The first of them, each with the object it is about where pg_restore names it. */
  first: string[];
}

const shownErrors = 10;

/** Collects pg_restore's errors from its standard error, of which it may write a lot. */
export function collectErrors(): { take(text: string): void; result(): RestoreErrors } {
  let rest = "";
  let object = "";
  /** Which of the first has no object yet. */
  let unnamed = -2;
  let ignored = 0;
  let seen = 0;
  const first: string[] = [];
  const takeLine = (line: string) => {
    // Where it refreshes, pg_restore names no entry; the rest of a command may hold a password.
    const command = /^Command was: ((?:\S+ ?){1,4})/.exec(line)?.[1];
    if (command !== undefined && unnamed === first.length - 1)
      first.push(`${command.replace(/[; ]+$/, "")}: ${first.pop()}`);
    if (command !== undefined) unnamed = -2;
    object = /^pg_restore: from TOC entry \d+; \d+ \d+ (.*)$/.exec(line)?.[1] ?? object;
    ignored = Number(/errors ignored on restore: (\d+)/.exec(line)?.[1] ?? ignored);
    const error = /^pg_restore: error: (.*)$/.exec(line)?.[1];
    if (error === undefined) return;
    seen += 1;
    if (first.length < shownErrors) {
      if (object === "") unnamed = first.length;
      first.push(object === "" ? error : `${object}: ${error}`);
    }
    object = "";
  };
  return {
    take(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) takeLine(line);
    },
    result() {
      takeLine(rest);
      rest = "";
      return { count: Math.max(ignored, seen), first };
    },
  };
}
