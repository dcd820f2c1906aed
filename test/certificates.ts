import * as pulumi from "@pulumi/pulumi";
import type { LabCertificates } from "../infra/hosts/certificates.ts";
import {
  makePrivateKey,
  signAuthority,
  signCertificate,
} from "../infra/hosts/provider/certificate-signing.ts";
import type { MonitoringLogin } from "../infra/monitoring/login.ts";
import type { Site } from "../infra/site.ts";

/** Real certificates for a site, all of them with one key: nothing here asks who else has it. */
export async function testCertificates(site: Site): Promise<LabCertificates> {
  const privateKey = makePrivateKey();
  const validity = { from: new Date(), days: 30 };
  const permitted = { dnsDomains: [], ipRanges: [] };
  const authority = await signAuthority({ commonName: "test", privateKey, validity, permitted });
  const certificate = await signCertificate(
    {
      commonName: "test",
      privateKey,
      validity,
      usages: ["server", "client"],
      dnsNames: ["test.radioastronomy.io"],
      ipAddresses: [],
    },
    { certificate: authority, privateKey },
  );
  const pair = { certificate: pulumi.output(certificate), privateKey: pulumi.output(privateKey) };
  const everyHost = new Map(site.guests.map(({ name }) => [name, pair]));
  return { trusted: pulumi.output(authority), hosts: everyHost, databases: everyHost, scraper: pair };
}

export const testLogin: MonitoringLogin = {
  user: "lab",
  password: "password",
  bcryptHash: "$2b$10$rcXcCKzLnQF7iMOZDNrcjOzp0v4Qc0QfSPu1/tHIwGFBAWw/r6rX6",
};
