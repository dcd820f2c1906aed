import type { Family } from "../metrics/family.ts";
import type { Config } from "./config.ts";
import type { State } from "./state.ts";

/** What is read together: it succeeds or fails as a whole. */
export interface Part {
  readonly name: string;
  /** How long what was read is good enough. Default: it is read every time. */
  readonly everySeconds?: number;
  read(): Promise<Family[]>;
}

/** What reading needs besides the server. */
export interface Surroundings {
  readonly config: Config;
  /** Changed by what is read. */
  readonly state: State;
  readonly nowSeconds: number;
}
