import type { download, VmLegacy } from "@muhlba91/pulumi-proxmoxve";
import * as pulumi from "@pulumi/pulumi";
import { proxmoxve } from "../packages.ts";
import type { Guest, Site } from "../site.ts";
import { aptSources } from "./apt-sources.ts";
import { userData } from "./cloud-init.ts";
import { waitsFor } from "./creation-order.ts";
import { GuestImages } from "./provider/guest-images-sdk.ts";
import { SshKey } from "./provider/sdk.ts";

export interface MachinesArgs {
  readonly site: Site;
}

/** A guest that exists and can be delivered to. */
export interface Machine {
  readonly guest: Guest;
  readonly vm: VmLegacy;
  /** The public key by which the guest proves itself. */
  readonly hostKey: pulumi.Output<string>;
  /** What the guest takes over only by a restart. */
  readonly hardware: Readonly<Record<string, unknown>>;
}

/** The virtual machines of a site: images with checksum, first boot by cloud-init, host keys known in advance. */
export class Machines extends pulumi.ComponentResource {
  readonly machines: ReadonlyMap<string, Machine>;
  /** The key with which deliveries log in. */
  readonly deployKey: SshKey;

  constructor(name: string, args: MachinesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:hosts:Machines", name, {}, opts);
    const { site } = args;
    const managed = site.guests.filter((guest) => guest.managed);
    this.deployKey = new SshKey("deploy", { comment: `deliveries to ${site.name}` }, { parent: this });

    const images = this.downloadImages(site, managed);
    const volumes = this.volumes(site, managed);
    const order = waitsFor(managed, site.proxmox.parallelCreatesPerNode);
    const machines = new Map<string, Machine>();
    for (const guest of managed) {
      const before = machines.get(order.get(guest.name) ?? "");
      machines.set(guest.name, this.createMachine(site, guest, images, volumes, before));
    }
    this.machines = machines;
    this.registerOutputs({});
  }

  /** One download for each node and image: PVE imports only from a storage of its own node. */
  private downloadImages(site: Site, guests: readonly Guest[]): ReadonlyMap<string, download.File> {
    const downloads = new Map<string, download.File>();
    for (const { node, image } of guests) {
      const settings = image === undefined ? undefined : site.images[image];
      const key = `${node}-${image}`;
      if (!settings || downloads.has(key)) continue;
      downloads.set(
        key,
        new proxmoxve.download.File(
          key,
          {
            nodeName: node,
            datastoreId: site.proxmox.storage.images,
            contentType: "import",
            url: settings.url,
            fileName: settings.fileName,
            checksum: settings.sha256,
            checksumAlgorithm: "sha256",
            overwrite: false,
          },
          // A changed image keeps its file's name, so the new one can only come after the old one is gone.
          { parent: this, deleteBeforeReplace: true },
        ),
      );
    }
    return downloads;
  }

  /** The volume from which each guest is made, or was. */
  private volumes(site: Site, guests: readonly Guest[]): ReadonlyMap<string, pulumi.Output<string>> {
    const wanted = guests.map((guest) => {
      const importFrom = `${site.proxmox.storage.images}:import/${site.images[guest.image ?? ""]?.fileName}`;
      // Everything that makes a guest anew besides its volume.
      const identity = [guest.node, guest.id, userDataFileId(site, guest), guest.imageGeneration].join(" ");
      return [guest.name, { importFrom, identity }] as const;
    });
    const images = new GuestImages("guests", { guests: Object.fromEntries(wanted) }, { parent: this });
    return new Map(
      wanted.map(([name, { importFrom }]) => [name, images.kept.apply((kept) => kept[name] ?? importFrom)]),
    );
  }

  private createMachine(
    site: Site,
    guest: Guest,
    images: ReadonlyMap<string, download.File>,
    volumes: ReadonlyMap<string, pulumi.Output<string>>,
    before: Machine | undefined,
  ): Machine {
    const child = { parent: this };
    const image = images.get(`${guest.node}-${guest.image}`);
    const volume = volumes.get(guest.name);
    const network = site.networks[guest.network];
    if (!image || !volume || !network) throw new Error(`guest ${guest.name} has no image or network`);
    const prefixLength = network.cidr.split("/")[1];

    const hostKey = new SshKey(`${guest.name}-host`, { comment: guest.name }, child);
    const firstBoot = new proxmoxve.FileLegacy(
      guest.name,
      {
        nodeName: guest.node,
        datastoreId: site.proxmox.storage.snippets,
        contentType: "snippets",
        sourceRaw: {
          fileName: userDataFile(guest),
          data: pulumi.secret(
            pulumi
              .all([hostKey.privateKey, hostKey.publicKey, this.deployKey.publicKey])
              .apply(([privateKey, publicKey, deployKey]) =>
                userData({
                  hostname: guest.name,
                  domain: site.domain,
                  adminUser: site.access.adminUser,
                  sshPort: site.access.sshPort,
                  authorizedKeys: [deployKey, ...site.access.authorizedKeys],
                  hostKey: { privateKey, publicKey },
                  aptSources: aptSources(site, guest),
                  ...(guest.backupDisk ? { backupMountPath: guest.backupDisk.mountPath } : {}),
                }),
              ),
          ),
        },
      },
      // The name stays, and the provider replaces a file whose content changes.
      { ...child, deleteBeforeReplace: true },
    );
    const disk = { datastoreId: site.proxmox.storage.disks, discard: "on", iothread: true, ssd: true };
    const hardware = {
      cpu: { cores: guest.cores, type: "x86-64-v2-AES" },
      memory: { dedicated: guest.memoryMib },
      // The agent freezes the file systems while a snapshot is taken.
      agent: { enabled: true },
      operatingSystem: { type: "l26" },
      scsiHardware: "virtio-scsi-single",
      networkDevices: [
        {
          bridge: network.bridge,
          model: "virtio",
          ...(network.vlanId === undefined ? {} : { vlanId: network.vlanId }),
        },
      ],
      initialization: {
        datastoreId: site.proxmox.storage.disks,
        ipConfigs: [
          {
            ipv4: {
              address: `${guest.address}/${prefixLength}`,
              ...(network.gateway === undefined ? {} : { gateway: network.gateway }),
            },
          },
        ],
        // Without servers, a domain to search is nothing: PVE then gives the node's own settings.
        ...(network.dnsServers.length === 0
          ? {}
          : { dns: { servers: network.dnsServers, domain: site.domain } }),
        // Spelt out instead of taken from the file: it is read at the first boot only, so a later change of its
        // content must not replace the guest.
        userDataFileId: userDataFileId(site, guest),
      },
      serialDevices: [{}],
    };
    const vm = new proxmoxve.VmLegacy(
      guest.name,
      {
        nodeName: guest.node,
        vmId: guest.id,
        name: guest.name,
        description: `Made by Pulumi from site ${site.name}`,
        tags: [...new Set(["lab", site.name, guest.tier, ...guest.tags])].sort(),
        ...hardware,
        disks: [
          {
            ...disk,
            interface: "scsi0",
            // Not taken from the download: a guest is not made anew because there is a newer image.
            importFrom: volume,
            size: guest.diskGib,
          },
          ...(guest.backupDisk ? [{ ...disk, interface: "scsi1", size: guest.backupDisk.sizeGib }] : []),
        ],
        onBoot: true,
        started: true,
        protection: guest.protected && !site.disposable,
        stopOnDestroy: true,
      },
      {
        ...child,
        protect: guest.protected && !site.disposable,
        deleteBeforeReplace: true,
        dependsOn: [image, firstBoot, ...(before ? [before.vm] : [])],
        replacementTrigger: guest.imageGeneration,
      },
    );
    return { guest, vm, hostKey: hostKey.publicKey, hardware };
  }
}

function userDataFile(guest: Guest): string {
  return `${guest.name}-user-data.yaml`;
}

function userDataFileId(site: Site, guest: Guest): string {
  return `${site.proxmox.storage.snippets}:snippets/${userDataFile(guest)}`;
}
