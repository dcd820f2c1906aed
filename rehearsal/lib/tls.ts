import { X509Certificate } from "node:crypto";
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { isMissing, writeFileAtomic } from "./files.ts";

/** A certificate with its private key, as PEM files. */
export interface CertificateFiles {
  certPath: string;
  /** Readable by its owner only. */
  keyPath: string;
}

/** A certificate authority that lives in one folder. */
export interface CertificateAuthority extends CertificateFiles {
  /** The CA's certificate as PEM, for those who shall trust it. */
  certPem: string;
}

/** What a server certificate is for. */
export interface ServerNames {
  /** File name of the certificate, and its common name. */
  name: string;
  ipAddresses: string[];
  dnsNames: string[];
}

const validDays = 825;

/** Opens the rehearsal's certificate authority in a folder, making it on first use. */
export async function openCertificateAuthority(folder: string): Promise<CertificateAuthority> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const files = { certPath: join(folder, "ca.pem"), keyPath: join(folder, "ca.key") };
  if ((await readIfThere(files.certPath)) === undefined) {
    await inTemporaryFolder(folder, async (temporary) => {
      await newKey(join(temporary, "key"));
      await openssl(
        [
          "req",
          "-x509",
          "-new",
          "-sha256",
          "-days",
          "3650",
          "-subj",
          "/CN=astronomy lab rehearsal CA",
        ].concat(
          [
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
          ],
          ["-key", join(temporary, "key"), "-out", join(temporary, "cert")],
        ),
      );
      await rename(join(temporary, "key"), files.keyPath);
      await rename(join(temporary, "cert"), files.certPath);
    });
  }
  return { ...files, certPem: await readFile(files.certPath, "utf8") };
}

/**
 * A server certificate signed by the authority, in the same folder. An existing one is used again while it is
 * signed by this authority, names the same addresses and is valid for another 30 days.
 */
export async function serverCertificate(
  authority: CertificateAuthority,
  folder: string,
  names: ServerNames,
): Promise<CertificateFiles> {
  const files = { certPath: join(folder, `${names.name}.pem`), keyPath: join(folder, `${names.name}.key`) };
  const existing = await readIfThere(files.certPath);
  if (existing !== undefined && isUsable(existing, authority, names)) return files;
  await inTemporaryFolder(folder, async (temporary) => {
    const at = (file: string) => join(temporary, file);
    await newKey(at("key"));
    await openssl(["req", "-new", "-key", at("key"), "-subj", `/CN=${names.name}`, "-out", at("csr")]);
    await writeFileAtomic(at("extensions"), extensions(names));
    await openssl(
      [
        "x509",
        "-req",
        "-sha256",
        "-days",
        String(validDays),
        "-in",
        at("csr"),
        "-CA",
        authority.certPath,
      ].concat(
        ["-CAkey", authority.keyPath, "-set_serial", `0x${serial()}`, "-extfile", at("extensions")],
        ["-out", at("cert")],
      ),
    );
    await rename(at("key"), files.keyPath);
    await rename(at("cert"), files.certPath);
  });
  return files;
}

/** SHA-256 fingerprint of a PEM certificate as the products write it: `aa:bb:…`, lower case. */
export function fingerprintSha256(certPem: string): string {
  return new X509Certificate(certPem).fingerprint256.toLowerCase();
}

function isUsable(certPem: string, authority: CertificateAuthority, names: ServerNames): boolean {
  const certificate = new X509Certificate(certPem);
  const monthFromNow = Date.now() + 30 * 86_400_000;
  return (
    certificate.verify(new X509Certificate(authority.certPem).publicKey) &&
    certificate.validToDate.getTime() > monthFromNow &&
    names.ipAddresses.every((address) => certificate.checkIP(address) !== undefined) &&
    names.dnsNames.every((name) => certificate.checkHost(name) !== undefined)
  );
}

function extensions(names: ServerNames): string {
  const alternatives = [
    ...names.ipAddresses.map((address) => `IP:${address}`),
    ...names.dnsNames.map((name) => `DNS:${name}`),
  ];
  return `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=${alternatives.join(",")}\n`;
}

function serial(): string {
  return `${Date.now().toString(16)}${process.hrtime.bigint().toString(16).slice(-8)}`;
}

async function newKey(path: string): Promise<void> {
  await openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path]);
  await chmod(path, 0o600);
}

async function openssl(args: string[]): Promise<void> {
  const result = await execa("openssl", args, { reject: false });
  if (result.exitCode !== 0) throw new Error(`openssl ${args[0]} failed: ${result.stderr || result.message}`);
}

async function inTemporaryFolder(folder: string, work: (temporary: string) => Promise<void>): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = await mkdtemp(join(folder, ".new-"));
  try {
    await work(temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
