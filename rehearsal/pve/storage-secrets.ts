import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readJson, writeJson } from "../lib/files.ts";
import { encryptionOf } from "../pbs/encryption.ts";
import { failure } from "./errors.ts";
import type { Simulator } from "./simulator.ts";
import { type Section, toSection } from "./state.ts";

/** A storage's options without their secrets. */
export interface Prepared {
  section: Section;
  secrets: Record<string, string>;
  /** A key that was generated now: shown once. */
  generated: string | undefined;
}

/** Takes the secrets out of what is stored; of an encryption key only its fingerprint stays. */
export function separateSecrets(given: Record<string, unknown>): Prepared {
  const { password, "encryption-key": key, ...rest } = given;
  const section = toSection(rest);
  const secrets: Record<string, string> = {};
  let generated: string | undefined;
  if (typeof password === "string") secrets.password = password;
  if (typeof key === "string") {
    const content = key === "autogen" ? generateKey() : key;
    if (key === "autogen") generated = content;
    secrets["encryption-key"] = content;
    section["encryption-key"] = keyFingerprint(content);
  }
  return { section, secrets, generated };
}

function generateKey(): string {
  const data = randomBytes(32).toString("base64");
  const now = new Date().toISOString().replace(/\.\d+Z$/, "+00:00");
  const key = { kdf: null, created: now, modified: now, data, fingerprint: fingerprintOf(data) };
  return JSON.stringify(key);
}

function keyFingerprint(content: string): string {
  try {
    const key: unknown = JSON.parse(content);
    if (typeof key === "object" && key !== null && "data" in key && typeof key.data === "string") {
      return fingerprintOf(key.data);
    }
  } catch {
    // Said below in the product's words.
  }
  throw failure("create storage failed: Value does not seem like a valid, JSON formatted encryption key!");
}

/** As backups name the key that they were encrypted with. */
function fingerprintOf(data: string): string {
  return encryptionOf(Buffer.from(data, "base64")).fingerprint;
}

/** What a storage needs to write and read backups. */
export async function readStorageSecrets(
  sim: Simulator,
  storage: string,
): Promise<{ password?: string; key?: Buffer }> {
  const { password, "encryption-key": keyFile } = secretsSchema.parse(
    (await readJson(secretsPath(sim, storage))) ?? {},
  );
  return {
    ...(password === undefined ? {} : { password }),
    ...(keyFile === undefined
      ? {}
      : { key: Buffer.from(keyFileSchema.parse(JSON.parse(keyFile)).data, "base64") }),
  };
}

const secretsSchema = z.object({ password: z.string().optional(), "encryption-key": z.string().optional() });
const keyFileSchema = z.object({ data: z.string() });

/** Forgets those secrets of a storage that a change takes away. */
export async function forgetStorageSecrets(
  sim: Simulator,
  storage: string,
  names: readonly string[],
): Promise<void> {
  const before = secretsSchema.parse((await readJson(secretsPath(sim, storage))) ?? {});
  const kept = Object.fromEntries(Object.entries(before).filter(([name]) => !names.includes(name)));
  await writeJson(secretsPath(sim, storage), kept, { mode: 0o600 });
}

/** Forgets the secrets of a storage that is removed. */
export async function removeStorageSecrets(sim: Simulator, storage: string): Promise<void> {
  await rm(secretsPath(sim, storage), { force: true });
}

function secretsPath(sim: Simulator, storage: string): string {
  return join(sim.folder, "priv", `${storage}.json`);
}

/** Keeps secrets beside those that the storage has already. */
export async function writeStorageSecrets(
  sim: Simulator,
  storage: string,
  secrets: Record<string, string>,
): Promise<void> {
  if (Object.keys(secrets).length === 0) return;
  const before = (await readJson(secretsPath(sim, storage))) ?? {};
  await writeJson(secretsPath(sim, storage), { ...before, ...secrets }, { mode: 0o600 });
}
