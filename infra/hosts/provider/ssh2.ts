import { createRequire } from "node:module";
import type ssh2 from "ssh2";

const require = createRequire(import.meta.url);

/** Loaded for the first host that is reached: a preview reaches none, and waits for this plugin to start. */
export function loadSsh2(): typeof ssh2 {
  return require("ssh2") as typeof ssh2;
}
