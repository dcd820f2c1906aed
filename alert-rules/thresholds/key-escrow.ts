import type { Figure } from "../limit.ts";

const day = 86_400;

export const keyEscrowFigures = {
  keyEscrowMissing: {
    value: 0,
    unit: "seconds",
    forSeconds: 7 * day,
    meaning: "when the kept copy of a storage's key was checked; 0 where it never was since the key was made",
    source: "chosen: who has the key to the safe may be away for some days, not for longer",
  },
  keyEscrowAge: {
    value: 92 * day,
    unit: "seconds",
    forSeconds: 3600,
    meaning: "time since somebody saw that the kept copy of a storage's key fits",
    source:
      "R4 of the requirements: all that a recovery needs is tried every quarter, and its keys come first",
  },
} as const satisfies Readonly<Record<string, Figure>>;
