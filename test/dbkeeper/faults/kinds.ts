/**
 * How a call fails. `error`: as the system would fail it (a write has done half its work by then); `kill-before` and
 * `kill-after`: the process is gone at that moment; a child ends with code 1 at once, is killed after half of its
 * output, or ends as if well after half of it; a request to S3 is answered by a cut connection before anything was
 * done, in the middle, or after all was done, by status 500 or 503, once, or (`down`) nothing is answered any more.
 */
export const faultKinds = {
  file: ["error", "kill-before", "kill-after"],
  child: ["exit-1", "killed", "half", "kill-before", "kill-after"],
  request: [
    "cut-before",
    "cut-middle",
    "answer-lost",
    "status-500",
    "status-503",
    "down",
    "kill-before",
    "kill-after",
  ],
} as const;

/** What is called. */
export type CallType = keyof typeof faultKinds;

/** See {@link faultKinds}. */
export type FaultKind = (typeof faultKinds)[CallType][number];

/** A call that the program makes. */
export interface Call {
  type: CallType;
  /** Where the call stands in the bundle (`line:column`), and where the module that it stands in was called from. */
  at: string;
  from: string;
  /** Function that makes the call. */
  caller: string;
  /** What is called, and on what kind of thing: `open *.dump.zst`. */
  operation: string;
}

/** The same call in another run of the program. */
export function idOf({ at, from, operation }: Call): string {
  return `${at} ${from} ${operation}`;
}

/** What the injector is told, as JSON in the environment variable {@link orderVariable}. */
export interface Order {
  /** File that gets each call, one JSON a line. */
  record?: string;
  /** The call to fail. */
  fault?: { id: string; kind: FaultKind };
  /** File that is there when the call was failed. */
  fired?: string;
  /** File with the modules of the bundle. */
  modules: string;
}

/** Where one of the program's own modules begins and ends in the bundle. */
export interface ModuleRange {
  path: string;
  firstLine: number;
  lastLine: number;
}

/** See {@link Order}. */
export const orderVariable = "DBKEEPER_TEST_FAULT";

/** Header by which a request tells the gate before S3 what is to become of it. */
export const fateHeader = "x-test-fate";
