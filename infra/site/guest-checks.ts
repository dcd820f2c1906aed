import type { Site } from "../site.ts";
import { containsHost, overlap, parseCidr, parseIpv4 } from "./network.ts";
import type { Problem } from "./problems.ts";
import { choices, duplicates, named, reference } from "./references.ts";

export function guestIdentity({ guests = [], proxmox }: Partial<Site>): Problem[] {
  return [
    ...duplicates(
      guests.map((guest) => guest.id),
      "guests",
      "id",
      (id) => `VMID ${id} is used twice`,
    ),
    ...duplicates(
      guests.map((guest) => guest.name),
      "guests",
      "name",
      (name) => `guest ${name} is named twice`,
    ),
    ...duplicates(
      guests.map((guest) => guest.address),
      "guests",
      "address",
      (address) => `${address} is given to two guests`,
    ),
    ...duplicates(
      (proxmox?.nodes ?? []).map((node) => node.name),
      "proxmox.nodes",
      "name",
      (name) => `node ${name} is named twice`,
    ),
  ];
}

/** Addresses of machines that are no guests. */
export function addressesApart({ guests = [], proxmox, pbs }: Partial<Site>): Problem[] {
  const taken = new Map([
    ...(proxmox?.nodes ?? []).map(({ name, address }) => [address, `node ${name}`] as const),
    ...(pbs ? [[pbs.address, "the backup server"] as const] : []),
  ]);
  return guests.flatMap(({ address }, index) => {
    const owner = taken.get(address);
    if (owner === undefined) return [];
    return [
      {
        path: `guests[${index}].address`,
        value: address,
        reason: `it is the address of ${owner}`,
        allowed: "an address of its own",
      },
    ];
  });
}

/** Two images of one file name would be one file on a node's storage. */
export function imageFiles({ images = {} }: Partial<Site>): Problem[] {
  const entries = Object.entries(images);
  return entries.flatMap(([name, { fileName }], index) => {
    const other = entries.slice(0, index).find(([, before]) => before.fileName === fileName);
    if (!other) return [];
    return [
      {
        path: `images.${name}.fileName`,
        value: fileName,
        reason: `image ${other[0]} is stored under it`,
        allowed: "a file name of its own",
      },
    ];
  });
}

export function guestReferences({
  guests = [],
  proxmox,
  networks,
  images,
  objectives,
  policies,
}: Partial<Site>): Problem[] {
  return guests.flatMap((guest, index) => {
    const at = `guests[${index}]`;
    const problems = [
      ...reference(
        `${at}.node`,
        guest.node,
        proxmox?.nodes.map((node) => node.name),
        "node",
      ),
      ...reference(`${at}.network`, guest.network, networks && Object.keys(networks), "network"),
      ...reference(`${at}.tier`, guest.tier, objectives && Object.keys(objectives), "objective"),
    ];
    if (guest.image !== undefined)
      problems.push(...reference(`${at}.image`, guest.image, images && Object.keys(images), "image"));
    else if (guest.managed) {
      problems.push({
        path: `${at}.image`,
        value: undefined,
        reason: "a managed guest is made from an image",
        allowed: `${choices(images && Object.keys(images))}, or managed: false`,
      });
    }
    if (guest.managed && guest.os !== "linux") {
      problems.push({
        path: `${at}.os`,
        value: guest.os,
        reason: "guests are made from cloud images and set up by cloud-init, which is Linux's",
        allowed: "linux, or managed: false",
      });
    }
    if (guest.backup.tool === "pbs") {
      problems.push(
        ...reference(`${at}.backup.policy`, guest.backup.policy, policies && Object.keys(policies), "policy"),
      );
    }
    return problems;
  });
}

export function guestAddresses({ guests = [], networks = {} }: Partial<Site>): Problem[] {
  return guests.flatMap((guest, index) => {
    const network = named(networks, guest.network);
    const range = network && parseCidr(network.cidr);
    const address = parseIpv4(guest.address);
    if (!range || address === undefined) return [];
    const path = `guests[${index}].address`;
    if (!containsHost(range, address)) {
      return [
        {
          path,
          value: guest.address,
          reason: `it lies outside network ${guest.network}`,
          allowed: `a host address in ${network.cidr}`,
        },
      ];
    }
    if (guest.address === network.gateway) {
      return [
        {
          path,
          value: guest.address,
          reason: `it is the gateway of network ${guest.network}`,
          allowed: `another address in ${network.cidr}`,
        },
      ];
    }
    return [];
  });
}

export function networkRanges({ networks = {} }: Partial<Site>): Problem[] {
  const entries = Object.entries(networks);
  return entries.flatMap(([name, network], index) => {
    const range = parseCidr(network.cidr);
    if (!range) return [];
    const problems: Problem[] = [];
    const gateway = network.gateway === undefined ? undefined : parseIpv4(network.gateway);
    if (gateway !== undefined && !containsHost(range, gateway)) {
      problems.push({
        path: `networks.${name}.gateway`,
        value: network.gateway,
        reason: "it lies outside its network",
        allowed: `a host address in ${network.cidr}`,
      });
    }
    for (const [other, { cidr }] of entries.slice(index + 1)) {
      const otherRange = parseCidr(cidr);
      if (otherRange && overlap(range, otherRange)) {
        problems.push({
          path: `networks.${other}.cidr`,
          value: cidr,
          reason: `it overlaps network ${name} (${network.cidr})`,
          allowed: "networks that share no address",
        });
      }
    }
    return problems;
  });
}
