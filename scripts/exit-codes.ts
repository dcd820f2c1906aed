/** Why a command did not end well; each kind has its own exit code. */
export type FailureKind =
  | "other"
  | "usage"
  | "preflight"
  | "busy"
  | "unreachable"
  | "verification"
  | "offsite"
  | "partial"
  | "unhealthy";

/** One row of the table that `--help` prints. */
export interface ExitCode {
  code: number;
  meaning: string;
}

/** Every exit code of dbkeeper. Callers (timers, alert hooks) rely on them: never renumber. */
export const exitCodes: Readonly<Record<"ok" | FailureKind, ExitCode>> = {
  ok: { code: 0, meaning: "done" },
  other: { code: 1, meaning: "failed or interrupted for another reason; the message says which" },
  usage: { code: 2, meaning: "wrong arguments or configuration; nothing changed" },
  preflight: {
    code: 3,
    meaning: "a precondition is not met (space, folder, versions, rights); nothing changed",
  },
  busy: { code: 4, meaning: "another command works on this cluster; nothing changed, try again later" },
  unreachable: {
    code: 5,
    meaning: "the PostgreSQL server does not answer or refuses the role; nothing changed",
  },
  verification: { code: 6, meaning: "a dump did not prove to be good; do not rely on it" },
  offsite: { code: 7, meaning: "the copy to the archive failed; the local run is untouched" },
  partial: { code: 8, meaning: "some databases failed, the others are done; nothing was pruned" },
  unhealthy: { code: 9, meaning: "a component of the server, its host or its dumps is failing" },
};

/** An error that ends the command with the exit code of its kind. */
export class Failure extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "Failure";
    this.kind = kind;
  }
}

/** The kind of any thrown value; what is not a {@link Failure} is `other`. */
export function kindOf(error: unknown): FailureKind {
  return error instanceof Failure ? error.kind : "other";
}

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The table as text for `--help`. */
export function describeExitCodes(): string {
  const rows = Object.values(exitCodes)
    .toSorted((a, b) => a.code - b.code)
    .map(({ code, meaning }) => `  ${code}  ${meaning}`);
  return ["Exit codes:", ...rows].join("\n");
}
