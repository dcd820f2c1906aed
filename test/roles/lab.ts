import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ExecResult, execInGuest } from "../../rehearsal/guests/exec.ts";
import { findInstance, type Instance } from "../../rehearsal/lab/instance.ts";
import { placeOf } from "../../rehearsal/lab/places.ts";
import { type Checkout, copyCheckout } from "../rehearsal/checkout.ts";

/** One guest a role, by VMID and last number of the address. */
export const guests = {
  "proj-pg01": { vmid: 2002, last: 52 },
  "proj-pg02": { vmid: 2003, last: 53 },
  "proj-mon01": { vmid: 2010, last: 60 },
  "proj-exp01": { vmid: 2011, last: 61 },
} as const;

export type GuestName = keyof typeof guests;

export const guestNames = Object.keys(guests) as GuestName[];

/** The rehearsal's site with a guest that has no role but to be watched. */
const stackWithExporter = `
import rehearsal from "./rehearsal-guests.ts";

export default (given) => {
  const site = rehearsal(given);
  const like = site.guests.find(({ name }) => name === "proj-mon01");
  const address = like.address.replace(/60$/, "61");
  return { ...site, guests: [...site.guests, { ...like, id: 2011, name: "proj-exp01", address }] };
};
`;

/** A lab with a guest for every role, made by the program's own engine, cloud-init data and deliveries. */
export class RolesLab {
  readonly checkout: Checkout;
  readonly instance: Instance;

  private constructor(checkout: Checkout, instance: Instance) {
    this.checkout = checkout;
    this.instance = instance;
  }

  static async build(): Promise<RolesLab> {
    const checkout = await copyCheckout();
    try {
      const stack = (name: string) => join(checkout.root, "stacks", name);
      await rename(stack("rehearsal.ts"), stack("rehearsal-guests.ts"));
      await writeFile(stack("rehearsal.ts"), stackWithExporter);
      await checkout.mustLab("up", "--data-mib", "1");
      const instance = await findInstance(checkout.root);
      if (!instance) throw new Error("up left no instance");
      return new RolesLab(checkout, instance);
    } catch (error) {
      await checkout.remove();
      throw error;
    }
  }

  address(guest: GuestName): string {
    return this.instance.hostAddress.replace(/\.1$/, `.${guests[guest].last}`);
  }

  /** Runs a program in a guest; does not fail by itself. */
  exec(guest: GuestName, argv: readonly [string, ...string[]], input?: string): Promise<ExecResult> {
    return execInGuest(placeOf(this.instance, guests[guest].vmid), argv, {
      timeoutSeconds: 60,
      ...(input === undefined ? {} : { input }),
    });
  }

  /** What a program in a guest writes; fails unless it succeeds. */
  async output(guest: GuestName, ...argv: [string, ...string[]]): Promise<string> {
    const { exitCode, stdout, stderr } = await this.exec(guest, argv);
    if (exitCode !== 0)
      throw new Error(`${guest}: ${argv.join(" ")} ended with ${exitCode}:\n${stdout}${stderr}`);
    return stdout.trim();
  }

  /** A secret or plain output of the stack. */
  async stackOutputs(): Promise<{ readonly deployKey: string; readonly hostKeys: Record<string, string> }> {
    const json = await this.checkout.mustLab("pulumi", "--", "stack", "output", "--json", "--show-secrets");
    return JSON.parse(json.slice(json.indexOf("{")));
  }
}
