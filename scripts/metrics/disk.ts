import { statfs } from "node:fs/promises";
import { requireDirectory } from "../runs/runs.ts";
import type { Family } from "./family.ts";
import type { MetricsSource } from "./source.ts";

/** Room where the dumps are kept. A disk that is gone has none to tell of. */
export const diskMetrics: MetricsSource = {
  ageing: [],
  async read({ config: { cluster, directory } }) {
    await requireDirectory(directory);
    const { bavail, blocks, bsize } = await statfs(directory);
    return diskFamilies(cluster.name, { freeBytes: bavail * bsize, sizeBytes: blocks * bsize });
  },
};

function diskFamilies(
  cluster: string,
  { freeBytes, sizeBytes }: { freeBytes: number; sizeBytes: number },
): Family[] {
  return [
    {
      name: "dbkeeper_backup_directory_free_bytes",
      help: "Bytes free where the dumps are kept.",
      samples: [{ labels: { cluster }, value: freeBytes }],
    },
    {
      name: "dbkeeper_backup_directory_size_bytes",
      help: "Size of the file system where the dumps are kept.",
      samples: [{ labels: { cluster }, value: sizeBytes }],
    },
  ];
}
