import type { Proofs } from "./proof.ts";
import type { Series } from "./series.ts";

/** Proofs on top of what a healthy lab always has, so that rules for what is missing stay silent. */
export function onTopOf(healthy: Series, proofs: Proofs): Proofs {
  return proofs.map((proof) => ({ ...proof, always: { ...healthy, ...proof.always } }));
}
