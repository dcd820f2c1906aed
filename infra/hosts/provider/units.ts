const kinds = ["service", "timer", "socket", "path", "mount", "automount", "target", "slice", "swap"];
const namePattern = new RegExp(`^[A-Za-z0-9:_.@\\\\-]{1,240}\\.(${kinds.join("|")})$`);

/** Where the units that a delivery brings are installed. */
export const unitFolder = "/etc/systemd/system";

export function isUnitName(name: string): boolean {
  return namePattern.test(name) && !name.startsWith("-");
}

/** `x@.service` is a pattern for units: it can be neither started nor stopped itself. */
export function isTemplate(name: string): boolean {
  return name.includes("@.");
}

/** Where the file of a unit lies on the host. */
export function unitPath(name: string): string {
  return `${unitFolder}/${name}`;
}
