import * as pulumi from "@pulumi/pulumi";
import type { Guest, Site } from "../site.ts";
import { backupHost } from "./backup-host.ts";
import { Certificate, CertificateAuthority, type KeyPair } from "./provider/certificate-sdk.ts";

/** The certificates of a site by what they are for. */
export interface LabCertificates {
  /** PEM of every authority that is to be trusted, the one that signs first. */
  readonly trusted: pulumi.Output<string>;
  /** What a host's exporters and web interfaces prove themselves with, by guest; the backup server's by its name. */
  readonly hosts: ReadonlyMap<string, KeyPair>;
  /** What PostgreSQL proves itself with, by guest: its key is nobody else's on the host. */
  readonly databases: ReadonlyMap<string, KeyPair>;
  /** What Prometheus proves itself with to exporters: the only client certificate there is. */
  readonly scraper: KeyPair;
}

/**
 * The lab's authority and what it signs. To put another authority in the place of one: name the new one in
 * `alsoTrusted` and update, so that everybody trusts both; swap the two and update, so that everything is signed by
 * the new one; drop the old one and update.
 */
export class Certificates extends pulumi.ComponentResource implements LabCertificates {
  readonly trusted: pulumi.Output<string>;
  readonly hosts: ReadonlyMap<string, KeyPair>;
  readonly databases: ReadonlyMap<string, KeyPair>;
  readonly scraper: KeyPair;

  constructor(name: string, { site }: { readonly site: Site }, opts?: pulumi.ComponentResourceOptions) {
    super("lab:hosts:Certificates", name, {}, opts);
    const child = { parent: this };
    const { authority: signer, alsoTrusted, validityDays, renewBeforeDays } = site.certificates;
    const authorities = [signer, ...alsoTrusted].map(
      (authority) =>
        new CertificateAuthority(
          authority,
          {
            commonName: `${site.name} authority ${authority}`.slice(0, 64),
            // A stolen key must not be good for any name outside the lab: people's browsers trust it too.
            permittedDnsDomains: [site.domain],
            permittedIpRanges: Object.values(site.networks).map(({ cidr }) => cidr),
          },
          child,
        ),
    );
    const [authority] = authorities;
    if (!authority) throw new Error("the site has no certificate authority");

    const common = { authority, validityDays, renewBeforeDays };
    const serverOf = (resourceName: string, commonName: string, dnsName: string, address: string) =>
      new Certificate(
        resourceName,
        { ...common, commonName, usages: ["server"], dnsNames: [dnsName], ipAddresses: [address] },
        child,
      );
    const server = (resourceName: string, guest: Guest) =>
      serverOf(resourceName, guest.name, hostName(site, guest), guest.address);
    const backup = backupHost(site);
    const delivered = site.guests.filter(({ managed, os }) => managed && os === "linux");
    const inClusters = new Set(
      site.databases.postgres.flatMap(({ primary, standbys }) => [primary, ...standbys]),
    );
    this.trusted = pulumi
      .all(authorities.map(({ certificate }) => certificate))
      .apply((certificates) => certificates.join(""));
    this.hosts = new Map([
      ...delivered.map((guest) => [guest.name, server(guest.name, guest)] as const),
      ...(backup
        ? [[backup.name, serverOf(backup.name, backup.name, backup.fullName, backup.address)] as const]
        : []),
    ]);
    this.databases = new Map(
      delivered
        .filter(({ name: guest }) => inClusters.has(guest))
        .map((guest) => [guest.name, server(`${guest.name}-postgresql`, guest)]),
    );
    this.scraper = new Certificate(
      "scraper",
      { ...common, commonName: "prometheus", usages: ["client"], dnsNames: [scraperName(site)] },
      child,
    );
    this.registerOutputs({});
  }
}

/** The full name of a guest, which its certificates are for. */
export function hostName({ domain }: Site, { name }: Guest): string {
  return `${name}.${domain}`;
}

/** The name in Prometheus's client certificate, which exporters ask for. */
export function scraperName({ domain, monitoring }: Site): string {
  return `${monitoring.host}.${domain}`;
}
