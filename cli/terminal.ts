import { styleText } from "node:util";

export { runSteps } from "./steps.ts";

type Style = "bold" | "dim" | "green" | "red" | "yellow" | "cyan";

/** Anything that text is written to; `isTTY` decides about colour. */
export interface TextStream {
  write(text: string): unknown;
  isTTY?: boolean;
}

/** Whether to colour what goes to `stream`: a terminal, and nobody asked for NO_COLOR. */
export function wantsColour(stream: TextStream, env: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

/** `text` in a style where `stream` (standard output unless given) shows colours, else `text` unchanged. */
export function paint(style: Style, text: string, stream: TextStream = process.stdout): string {
  return wantsColour(stream) ? styleText(style, text, { validateStream: false }) : text;
}

/** Exit codes of `lab`, after sysexits where it has one. */
export const exitCodes = { failure: 1, usage: 2, unavailable: 69, internal: 70 } as const;

/**
 * A failure that the user can do something about: printed as message and hint, without a stack.
 * `hint` is the next step; `exitCode` is 1 unless given.
 */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly hint: string;
  readonly exitCode: number;

  constructor(message: string, options: { hint?: string; exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.hint = options.hint ?? "";
    this.exitCode = options.exitCode ?? exitCodes.failure;
  }
}

/**
 * Prints an error the way its kind deserves and returns the exit code. An error of another module counts as
 * one for the user when it carries `hint` and `exitCode`, since those modules do not know this one.
 */
export function printError(error: unknown, stream: TextStream = process.stderr): number {
  const label = paint("red", "error:", stream);
  if (isForUser(error)) {
    stream.write(`${label} ${error.message}\n`);
    if (error.hint !== "") stream.write(`${paint("cyan", "hint:", stream)} ${error.hint}\n`);
    return error.exitCode;
  }
  if (isFullDisk(error)) {
    stream.write(`${label} ${error.message}\n`);
    stream.write(
      `${paint("cyan", "hint:", stream)} make room and run the command again; \`./lab doctor\` says how much a lab needs, \`./lab down --purge\` frees what this one takes\n`,
    );
    return exitCodes.failure;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  stream.write(`${label} unexpected failure\n${detail}\n`);
  if (error instanceof Error && error.cause !== undefined)
    stream.write(`caused by: ${String(error.cause instanceof Error ? error.cause.stack : error.cause)}\n`);
  return exitCodes.internal;
}

/** Also where a quota is what is full. */
function isFullDisk(error: unknown): error is Error {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

function isForUser(error: unknown): error is Error & { hint: string; exitCode: number } {
  return (
    error instanceof Error &&
    "hint" in error &&
    typeof error.hint === "string" &&
    "exitCode" in error &&
    typeof error.exitCode === "number"
  );
}

/** A column of {@link formatTable}: its heading, how a row's cell is written, and the side it leans to. */
export interface Column<Row> {
  title: string;
  value: (row: Row) => string | number | undefined;
  align?: "left" | "right";
  /** Style by row, applied after the widths are known. */
  style?: (row: Row) => Style | undefined;
}

/**
 * Rows as text with aligned columns, two spaces apart, headings first, ending in a line break. An undefined
 * cell is shown as "-".
 */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  stream: TextStream = process.stdout,
): string {
  const cells = rows.map((row) => columns.map((column) => String(column.value(row) ?? "-")));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const pad = (text: string, index: number) =>
    columns[index]?.align === "right" ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0);
  const heading = columns.map((column, index) => paint("bold", pad(column.title, index), stream)).join("  ");
  const lines = rows.map((row, rowIndex) =>
    columns
      .map((column, index) => {
        const style = column.style?.(row);
        const text = pad(cells[rowIndex]?.[index] ?? "", index);
        return style === undefined ? text : paint(style, text, stream);
      })
      .join("  "),
  );
  return [heading, ...lines].map((line) => `${line.trimEnd()}\n`).join("");
}
