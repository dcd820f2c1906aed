import { createInterface } from "node:readline/promises";
import type { GuestKind } from "../rehearsal/lab/instance.ts";
import { UserError } from "./terminal.ts";

/** What `--guests` takes. */
export const guestChoices = ["containers", "none"] as const;
export type GuestChoice = (typeof guestChoices)[number];

const kinds: Record<GuestChoice, GuestKind> = { containers: "containers", none: "records" };

/** What the choice depends on besides what was asked for. */
export interface Machine {
  /** Why guests cannot be had here; undefined where they can. */
  readonly refusal: string | undefined;
  /** Asks for a yes; undefined where nobody is there to ask. */
  readonly ask: ((question: string) => Promise<boolean>) | undefined;
}

/**
 * Decides what the guests of a lab are: what it has already, what was asked for, or containers; where this machine
 * cannot have those, records are offered.
 * @throws UserError with the way out where there is no lab to be had
 */
export async function chooseGuests(
  asked: GuestChoice | undefined,
  existing: GuestKind | undefined,
  machine: Machine = thisMachine(),
): Promise<GuestKind> {
  const wanted = asked === undefined ? existing : kinds[asked];
  if (existing !== undefined && wanted !== existing)
    throw new UserError(`the lab of this checkout has ${existing} for guests and cannot change that`, {
      hint: "`./lab down --purge` forgets it; then `./lab up` again",
    });
  if (wanted === "records") return "records";
  if (machine.refusal === undefined) return "containers";
  if (wanted === undefined && machine.ask) {
    const question =
      `Real guests cannot be had here: ${machine.refusal}.\n` +
      "Build the lab with recorded guests instead (a folder each, nothing runs in them)? [y/N] ";
    if (await machine.ask(question)) return "records";
  }
  throw new UserError(`guests cannot be had here: ${machine.refusal}`, {
    hint:
      "run `sudo ./lab up`, or use the privileged dev container or a Linux VM; `./lab up --guests none` builds " +
      "the lab with recorded guests and says what that does not prove; `./lab preview` needs none of it",
  });
}

function thisMachine(): Machine {
  return {
    refusal: refusal(),
    ask: process.stdin.isTTY && process.stderr.isTTY ? askOnTerminal : undefined,
  };
}

function refusal(): string | undefined {
  if (process.platform !== "linux") return "they are Linux systems";
  if (process.getuid?.() !== 0) return "namespaces, mounts and a bridge are made for them, which needs root";
  return undefined;
}

async function askOnTerminal(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}
