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
  let ignored = 0;
  let seen = 0;
  const first: string[] = [];
  const takeLine = (line: string) => {
    object = /^pg_restore: from TOC entry \d+; \d+ \d+ (.*)$/.exec(line)?.[1] ?? object;
    ignored = Number(/errors ignored on restore: (\d+)/.exec(line)?.[1] ?? ignored);
    const error = /^pg_restore: error: (.*)$/.exec(line)?.[1];
    if (error === undefined) return;
    seen += 1;
    if (first.length < shownErrors) first.push(object === "" ? error : `${object}: ${error}`);
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
