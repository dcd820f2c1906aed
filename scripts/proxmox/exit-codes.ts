import { type ExitCode, type FailureKind, exitCodes as shared } from "../exit-codes.ts";

/** Every exit code of proxwatch; the numbers mean what they mean for dbkeeper. */
export const exitCodes: Readonly<Partial<Record<"ok" | FailureKind, ExitCode>>> = {
  ok: { code: shared.ok.code, meaning: "everything was read and written" },
  other: shared.other,
  usage: {
    code: shared.usage.code,
    meaning: "wrong arguments or configuration; nothing was asked or written",
  },
  preflight: {
    code: shared.preflight.code,
    meaning: "a file of a login is missing, or others can read it; what else could be read is written",
  },
  unreachable: {
    code: shared.unreachable.code,
    meaning: "no server answered, or each refused the token; that is what is written",
  },
  partial: {
    code: shared.partial.code,
    meaning: "a part could not be read; the rest is written, and which one it was",
  },
};

/** The table as text for `--help`. */
export function describeExitCodes(): string {
  const rows = Object.values(exitCodes)
    .toSorted((a, b) => a.code - b.code)
    .map(({ code, meaning }) => `  ${code}  ${meaning}`);
  return ["Exit codes:", ...rows].join("\n");
}
