/** One finding of `lab doctor`. */
export interface Check {
  name: string;
  /**
   * "obtainable": not there, but `lab up` gets it by itself. "warning": worth knowing, nothing to do.
   * "missing": `lab up` would fail.
   */
  state: "ok" | "obtainable" | "warning" | "missing";
  detail: string;
  /** What to do about it: a command or a sentence. */
  remedy?: string;
  /** Package of Debian and Ubuntu that brings it. */
  debianPackage?: string;
}
