import type { Site } from "../site.ts";
import type { Problem } from "./problems.ts";
import { reference } from "./references.ts";

/** A guest that software is delivered to: it must exist, and the program must have made it. */
export function delivered(path: string, value: string, guests: Site["guests"] | undefined): Problem[] {
  return [
    ...reference(
      path,
      value,
      guests?.map((guest) => guest.name),
      "guest",
    ),
    ...deliverable(path, value, guests),
  ];
}

/** Files reach only guests that the program made: of another one it does not know the host key. */
function deliverable(path: string, value: string, guests: Site["guests"] | undefined): Problem[] {
  const guest = guests?.find(({ name }) => name === value);
  if (!guest || (guest.managed && guest.os === "linux")) return [];
  return [
    {
      path,
      value,
      reason: "software is delivered to it, but the program does not make it",
      allowed: "a Linux guest with managed: true",
    },
  ];
}

/** Ports of programs that listen on one host, by what they are for. Each can be taken once. */
export function portsApart(path: string, ports: Readonly<Record<string, number>>): Problem[] {
  const entries = Object.entries(ports);
  return entries.flatMap(([name, port], index) => {
    const other = entries.slice(0, index).find(([, before]) => before === port);
    if (!other) return [];
    return [
      {
        path: `${path}.${name}`,
        value: port,
        reason: `${other[0]} listens on it already`,
        allowed: "a port of its own",
      },
    ];
  });
}
