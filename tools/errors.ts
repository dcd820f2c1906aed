/** A tool that cannot be had: what was tried, the last lines of its output, and the next step in `hint`. */
export class ToolError extends Error {
  override readonly name = "ToolError";
  readonly hint: string;
  /** EX_UNAVAILABLE: a prerequisite is missing. */
  readonly exitCode = 69;

  constructor(message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.hint = hint;
  }
}

/** The last lines of what a failed command wrote, for an error's text. */
export function lastLines(output: string, count = 12): string {
  return output
    .trimEnd()
    .split("\n")
    .slice(-count)
    .map((line) => `    ${line}`)
    .join("\n");
}
