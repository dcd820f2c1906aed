import { z } from "zod";
import { parseCidr, parseIpv4, parseSource } from "./network.ts";

export const labelRule = "a name of 2 to 32 lower-case letters, digits and hyphens, such as proj-pg01";

/** A short name that is valid as a host label, a job id and a resource name alike. */
export const label = z.string().regex(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/, labelRule);

/** PBS accepts 3 to 32 characters for datastores and job ids (pbs-api-types, PROXMOX_SAFE_ID). */
export const pbsId = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{2,31}$/, "3 to 32 letters, digits, dots, hyphens and underscores");

export const domainName = z
  .string()
  .regex(
    /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
    "a domain name such as radioastronomy.io",
  );

export const ipv4 = z
  .string()
  .refine((text) => parseIpv4(text) !== undefined, "an IPv4 address such as 10.16.207.218");

export const cidr = z
  .string()
  .refine(
    (text) => parseCidr(text) !== undefined,
    "an IPv4 network such as 10.16.207.0/24, with no host bits set",
  );

/** Who may connect: one address or everybody in a network. */
export const source = z
  .string()
  .refine(
    (text) => parseSource(text) !== undefined,
    "an IPv4 address such as 10.16.207.60 or a network such as 10.16.207.0/24, with no host bits set",
  );

export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "a SHA-256 digest: 64 lower-case hexadecimal digits");

export const httpUrl = z
  .string()
  .refine(
    (text) => /^https?:\/\/[^\s/]+(\/\S*)?$/.test(text) && URL.canParse(text),
    "an http:// or https:// address",
  );

/** It is written into unit files and scripts, where blanks and quotes would mean something else. */
export const absolutePath = z
  .string()
  .regex(
    /^(\/(?!\.\.?(\/|$))[A-Za-z0-9._-]+)+$/,
    "an absolute path of letters, digits, dots, hyphens and underscores without a trailing slash, such as /mnt/backup",
  );

export const port = z
  .int("a TCP port from 1 to 65535")
  .min(1, "a TCP port from 1 to 65535")
  .max(65535, "a TCP port from 1 to 65535");

/** A whole number of something, at least one. */
export const positive = z.int("a whole number").min(1, "a whole number, at least 1");

/** A PostgreSQL identifier that needs no quoting, so that it reads the same in SQL, files and messages. */
export const sqlIdentifier = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_]{0,62}$/,
    "a plain SQL identifier: lower-case letters, digits and underscores, at most 63",
  );

/** Of a certificate, as PVE and PBS show it. */
export const fingerprint = z
  .string()
  .regex(/^([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}$/, "a SHA-256 fingerprint: 32 hexadecimal pairs with colons");

export const emailAddress = z.email("an e-mail address");
