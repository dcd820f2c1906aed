import { isDeepStrictEqual } from "node:util";
import type { Note } from "../../provider/engine.ts";
import type { Recorded } from "../../provider/resource.ts";
import type { Properties } from "../../provider/values.ts";

/** What time it is. Given by the caller, so that tests can move it. */
export type Clock = () => Date;

const dayMs = 86_400_000;

/** What authorities and certificates compute. */
export interface SignedOutputs {
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8 PEM. */
  readonly privateKey: string;
  /** When it ends, ISO 8601. */
  readonly notAfter: string;
}

/**
 * Whether a certificate has to be signed again: something that it says has changed, or its end is nearer than
 * `renewBeforeDays`. How early to renew is not part of what it says.
 */
export function needsSigning(
  { inputs, outputs }: Recorded<Properties, SignedOutputs>,
  wanted: Properties,
  now: Date,
): boolean {
  return !isDeepStrictEqual(contentOf(inputs), contentOf(wanted)) || isDue(outputs, wanted, now);
}

function contentOf(inputs: Properties): Properties {
  return Object.fromEntries(
    Object.entries(inputs).filter(
      // Pulumi adds properties of its own under the prefix.
      ([name, value]) => name !== "renewBeforeDays" && !name.startsWith("__") && value !== undefined,
    ),
  );
}

/** Whether the end is so near that an update renews. */
export function isDue(
  { notAfter }: Partial<SignedOutputs>,
  { renewBeforeDays }: Properties,
  now: Date,
): boolean {
  if (notAfter === undefined || typeof renewBeforeDays !== "number") return false;
  return now.getTime() >= Date.parse(notAfter) - renewBeforeDays * dayMs;
}

/** What a preview says of a renewal that only the clock demands. */
export function renewalNote(
  what: string,
  { outputs }: Recorded<Properties, SignedOutputs>,
  wanted: Properties,
  now: Date,
): Note[] {
  if (outputs.notAfter === undefined || !isDue(outputs, wanted, now)) return [];
  const left = Math.round((Date.parse(outputs.notAfter) - now.getTime()) / dayMs);
  const end = outputs.notAfter.slice(0, 10);
  const when = left < 0 ? `ended on ${end}` : `ends on ${end}, in ${left} days`;
  return [{ severity: "info", message: `the certificate of ${what} ${when}: this update renews it` }];
}

/** What is recorded of an authority or certificate: nothing else knows its key. */
export function knownOutputs(what: string, id: string, outputs: Partial<SignedOutputs>): SignedOutputs {
  const { certificate, privateKey, notAfter } = outputs;
  if (certificate !== undefined && privateKey !== undefined && notAfter !== undefined) {
    return { certificate, privateKey, notAfter };
  }
  throw new Error(`${what} ${id} lives in the Pulumi state only: it cannot be imported; create a new one`);
}

/** Loaded only when something is signed: most runs sign nothing, and the library takes longer than the rest. */
export function signing(): Promise<typeof import("./certificate-signing.ts")> {
  return import("./certificate-signing.ts");
}
