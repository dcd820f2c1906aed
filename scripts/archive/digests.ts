import { createHash, type Hash } from "node:crypto";
import { Failure } from "../exit-codes.ts";
import type { RunFile } from "../runs/manifest.ts";

/** SHA-256 as S3 writes it. */
export function sha256Base64(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("base64");
}

/** What S3 calls the SHA-256 of an object that was sent in parts (S3 user guide, "Composite checksums"). */
export function compositeSha256(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(Buffer.from(part, "base64"));
  return `${hash.digest("base64")}-${parts.length}`;
}

/** Holds files, given piece by piece from the first byte to the last, against their manifest. */
export class FileDigests {
  private readonly files: ReadonlyMap<string, RunFile>;
  private readonly open = new Map<string, { hash: Hash; next: number }>();

  constructor(files: readonly RunFile[]) {
    this.files = new Map(files.map((file) => [file.file, file]));
  }

  /**
   * Takes the next bytes of a file; the first byte starts it again.
   * Fails as `verification` when the last byte was given and the file is not what its manifest says.
   */
  update(file: string, offset: number, bytes: Uint8Array): void {
    const wanted = this.files.get(file);
    if (wanted === undefined) throw new Error(`${file} is not in the manifest`);
    const known = this.open.get(file);
    const current = offset === 0 || known === undefined ? { hash: createHash("sha256"), next: 0 } : known;
    this.open.set(file, current);
    if (offset !== current.next) throw new Error(`${file} was read out of order`);
    current.hash.update(bytes);
    current.next += bytes.length;
    if (current.next < wanted.sizeBytes) return;
    if (current.hash.digest("hex") !== wanted.sha256) {
      throw new Failure("verification", `${file} has changed: it is not what the manifest says`);
    }
  }
}
