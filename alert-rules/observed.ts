import { type Lab, promDuration } from "./lab.ts";

/** dbkeeper looks once a minute, whatever the site's pace. */
const secondsBetweenLooks = 60;

/** {@link Lab.window} for counters that dbkeeper's looks move: wide enough for three of them. */
export function observedWindow(lab: Lab, seconds: number): string {
  return promDuration(Math.max(Math.ceil(seconds * lab.pace), 3 * secondsBetweenLooks));
}
