import * as pulumi from "@pulumi/pulumi";
import type { Site } from "../site.ts";
import type { Merged } from "./contribution.ts";
import type { Machine } from "./machines.ts";
import { Delivery, type DeliveryArgs, type SshKey } from "./provider/sdk.ts";

export interface DeliveriesArgs {
  readonly site: Site;
  readonly machines: ReadonlyMap<string, Machine>;
  readonly deployKey: SshKey;
  /** What each host gets, by guest. */
  readonly contents: ReadonlyMap<string, Merged>;
  /** Hosts that must be complete before a host is delivered to, by guest. */
  readonly after: ReadonlyMap<string, readonly string[]>;
}

/** What is delivered to the hosts, one resource each. */
export class Deliveries extends pulumi.ComponentResource {
  readonly deliveries: ReadonlyMap<string, Delivery>;

  constructor(name: string, args: DeliveriesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:hosts:Deliveries", name, {}, opts);
    const deliveries = new Map<string, Delivery>();
    for (const host of inOrder([...args.contents.keys()], args.after)) {
      const machine = args.machines.get(host);
      const contents = args.contents.get(host);
      if (!machine || !contents) throw new Error(`${host} is delivered to, but the program does not make it`);
      const before = (args.after.get(host) ?? []).flatMap((other) => deliveries.get(other) ?? []);
      deliveries.set(
        host,
        new Delivery(
          host,
          {
            connection: {
              address: machine.guest.address,
              port: args.site.access.sshPort,
              user: args.site.access.adminUser,
              privateKey: args.deployKey.privateKey,
              hostKey: machine.hostKey,
            },
            machine: machine.hardware,
            ...deliveredContents(contents),
          },
          {
            parent: this,
            dependsOn: [machine.vm, ...before],
            deletedWith: machine.vm,
            // A guest that is made anew is empty.
            replaceWith: [machine.vm],
          },
        ),
      );
    }
    this.deliveries = deliveries;
    this.registerOutputs({});
  }
}

/** What is delivered, as the resource takes it. */
export function deliveredContents(contents: Merged): Omit<DeliveryArgs, "connection"> {
  return {
    packages: [...contents.packages],
    users: contents.users.map((user) => ({ ...user, groups: [...(user.groups ?? [])] })),
    directories: contents.directories,
    files: contents.files.map(({ validate, ...file }) => ({
      ...file,
      ...(validate === undefined ? {} : { validate: [...validate] }),
      activates: [...(file.activates ?? [])],
    })),
    units: contents.units.map((unit) => ({ ...unit })),
  };
}

/** Orders names so that each comes after those it waits for. */
export function inOrder(names: readonly string[], after: ReadonlyMap<string, readonly string[]>): string[] {
  const ordered: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (ordered.includes(name)) return;
    if (path.includes(name)) throw new Error(`${[...path, name].join(" waits for ")}: nobody could be first`);
    for (const other of after.get(name) ?? []) if (names.includes(other)) visit(other, [...path, name]);
    ordered.push(name);
  };
  for (const name of names) visit(name, []);
  return ordered;
}
