import type { Instance } from "../rehearsal/lab/instance.ts";
import { UserError } from "./terminal.ts";

/** Where a command takes `--stack`. */
export const orAnotherStack = "`./lab up` builds it; `--stack NAME` names a stack of your own backend";

/** The lab of this checkout. Fails for the user where there is none; `hint` says more than how to build one. */
export async function thisLab(hint = "`./lab up` builds it"): Promise<Instance> {
  const { findInstance } = await import("../rehearsal/lab/instance.ts");
  const instance = await findInstance();
  if (!instance) throw new UserError("there is no lab on this machine", { hint });
  return instance;
}

/**
 * The same where programs run in its guests.
 * @param lack what recorded guests cannot do, for example `nothing runs`
 */
export async function thisLabWithGuests(lack: string, hint?: string): Promise<Instance> {
  const instance = await thisLab(hint);
  if (instance.guests === "records") {
    throw new UserError(`the guests of this lab are records, in which ${lack}`, {
      hint: "`./lab down --purge && ./lab up --guests containers` builds one with real guests, as root",
    });
  }
  return instance;
}
