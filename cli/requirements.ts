import { UserError } from "./terminal.ts";

/** Refuses at once where this machine cannot have guests, instead of after minutes of building. */
export async function requireGuests(): Promise<void> {
  if (process.platform !== "linux") {
    throw new UserError("guests need Linux", {
      hint: "use the dev container in .devcontainer, or a Linux VM",
    });
  }
  if (process.getuid?.() !== 0) {
    throw new UserError("guests need root: namespaces, mounts and a bridge are made for them", {
      hint: "run `sudo ./lab up`, or use the privileged dev container; `./lab preview` and the unit tests need no root",
    });
  }
}
