// The library needs the metadata of its decorators first.
import "reflect-metadata";
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { nameConstraints, type PermittedNames } from "./certificate-constraints.ts";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A clock that is a little behind must not refuse a certificate that was made just now. */
const clockSkewMs = 5 * 60_000;

export type Usage = "server" | "client";

/** From when to when something is valid; X.509 counts whole seconds. */
export interface Validity {
  readonly from: Date;
  readonly days: number;
}

export interface AuthorityRequest {
  readonly commonName: string;
  /** PEM, of the authority itself. */
  readonly privateKey: string;
  readonly validity: Validity;
  readonly permitted: PermittedNames;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** PEM, of whom the certificate is for. */
  readonly privateKey: string;
  readonly validity: Validity;
  readonly usages: readonly Usage[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

/** A certificate with the key that belongs to it, both PEM. */
export interface Identity {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A new ECDSA key on P-256 as PKCS #8 PEM, which Go, OpenSSL and Node all read. */
export function makePrivateKey(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
}

/** The moment at which a validity ends, in whole seconds. */
export function endOf({ from, days }: Validity): Date {
  return new Date(Math.floor((from.getTime() + days * 86_400_000) / 1000) * 1000);
}

/** Signs an authority's certificate with its own key. Signed again with the same key, what it signed stays valid. */
export async function signAuthority(request: AuthorityRequest): Promise<string> {
  const { keys, ...common } = await commonParameters(request);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...common,
    name: nameOf(request.commonName),
    keys,
    extensions: [
      // It signs certificates of servers and clients, no further authorities.
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      ...nameConstraints(request.permitted).map((der) => new x509.Extension("2.5.29.30", true, der)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pem(certificate);
}

/** Signs a certificate for a server, a client or both. */
export async function signCertificate(request: CertificateRequest, issuer: Identity): Promise<string> {
  const { keys, ...common } = await commonParameters(request);
  const issuerKeys = await importKeys(issuer.privateKey);
  const certificate = await x509.X509CertificateGenerator.create({
    ...common,
    subject: nameOf(request.commonName),
    issuer: new x509.X509Certificate(issuer.certificate).subjectName.toJSON(),
    publicKey: keys.publicKey,
    signingKey: issuerKeys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(request.usages.map((usage) => usageIds[usage])),
      new x509.SubjectAlternativeNameExtension([
        ...request.dnsNames.map((value) => ({ type: "dns" as const, value })),
        ...request.ipAddresses.map((value) => ({ type: "ip" as const, value })),
      ]),
      // By key alone: the authority's certificate may be signed again.
      await x509.AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pem(certificate);
}

const usageIds = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
} as const satisfies Record<Usage, string>;

async function commonParameters({ privateKey, validity }: AuthorityRequest | CertificateRequest) {
  // A serial number is positive, hence the leading zero bit.
  const serial = randomBytes(16);
  serial.writeUInt8(serial.readUInt8(0) & 0x7f, 0);
  return {
    keys: await importKeys(privateKey),
    serialNumber: serial.toString("hex"),
    notBefore: new Date(validity.from.getTime() - clockSkewMs),
    notAfter: endOf(validity),
    signingAlgorithm: ecdsa,
  };
}

async function importKeys(privateKeyPem: string) {
  const privateKey = createPrivateKey(privateKeyPem);
  const { subtle } = globalThis.crypto;
  return {
    privateKey: await subtle.importKey(
      "pkcs8",
      privateKey.export({ type: "pkcs8", format: "der" }),
      ecdsa,
      false,
      ["sign"],
    ),
    publicKey: await subtle.importKey(
      "spki",
      createPublicKey(privateKey).export({ type: "spki", format: "der" }),
      ecdsa,
      true,
      ["verify"],
    ),
  };
}

/** As JSON, so that nothing in a name needs quoting. */
function nameOf(commonName: string): x509.JsonName {
  return [{ CN: [commonName] }];
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem").trimEnd()}\n`;
}
