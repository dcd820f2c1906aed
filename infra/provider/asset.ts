import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { z } from "zod";

// The marker is part of Pulumi's wire format (sdk/go/common/resource/asset/asset.go in pulumi/pulumi).
const signatureKey = "4dabf18193072939515e22adb298388d";
const assetSignature = "c44067f5952c0a294b673a41bacd8c17";

/**
 * A `pulumi.asset.FileAsset`: a file of the machine that the program runs on. Only its path and digest travel and are
 * recorded, however large it is; the engine computes the digest.
 */
export const fileAssetSchema = z.object({
  [signatureKey]: z.literal(assetSignature, "a content of the program's machine is a pulumi.asset.FileAsset"),
  /** Absent in what was recorded: the engine hands only the digest back. */
  path: z.string().optional(),
  /** SHA-256 in hexadecimal digits. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});

export type FileAsset = z.output<typeof fileAssetSchema>;

/** An asset as the engine sends it. */
export function fileAsset(path: string, hash: string): FileAsset {
  return { [signatureKey]: assetSignature, path, hash };
}

/**
 * The bytes of an asset.
 * @throws Error where the file is not what the engine saw: what a preview showed is what has to be delivered.
 */
export function readAsset({ path, hash }: FileAsset): Buffer {
  if (path === undefined) throw new Error(`nothing says where the file of SHA-256 ${hash} lies`);
  const data = readFileSync(path);
  const found = createHash("sha256").update(data).digest("hex");
  if (found === hash) return data;
  throw new Error(
    `${path} has changed since the program ran: its SHA-256 was ${hash} and is ${found} now; run the command again`,
  );
}
