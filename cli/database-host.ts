import type { GuestPlace } from "../rehearsal/guests/guest.ts";
import type { Instance } from "../rehearsal/lab/instance.ts";
import { UserError } from "./terminal.ts";
import { thisLabWithGuests } from "./this-lab.ts";

/** Finds a host of the lab on this machine whose databases are dumped. Fails for the user where it is none, or not there. */
export async function findDatabaseHost(name: string): Promise<{ instance: Instance; place: GuestPlace }> {
  const { placeOf } = await import("../rehearsal/lab/places.ts");
  const vmid = await vmidOf(name);
  const instance = await thisLabWithGuests("nothing runs");
  return { instance, place: placeOf(instance, vmid) };
}

async function vmidOf(name: string): Promise<number> {
  const { default: lab } = await import("../stacks/lab.ts");
  const { guests, databases } = lab();
  const primaries = databases.postgres.map(({ primary }) => primary);
  const id = guests.find((guest) => guest.name === name)?.id;
  if (id !== undefined && primaries.includes(name)) return id;
  throw new UserError(`there is no database host ${name} whose databases are dumped`, {
    hint: `there ${primaries.length === 1 ? "is" : "are"} ${primaries.join(", ")}`,
    exitCode: 2,
  });
}
