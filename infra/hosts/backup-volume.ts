import type { Guest, Site } from "../site.ts";
import { type Contribution, plainFile } from "./contribution.ts";

/**
 * Keeps dumps off the system's own disk: where a guest has one for backups, none is made while that is not mounted.
 * The run fails, and the alert on the age of the last good dump says so.
 */
export function backupVolume({ databases }: Site, { name, backupDisk }: Guest): readonly Contribution[] {
  const cluster = databases.postgres.find(({ primary }) => primary === name);
  if (!backupDisk || !cluster?.dump.directory.startsWith(`${backupDisk.mountPath}/`)) return [];
  const { mountPath } = backupDisk;
  return [
    {
      files: [
        plainFile(
          "/etc/systemd/system/dbkeeper.service.d/backup-volume.conf",
          `[Unit]\nRequiresMountsFor=${mountPath}\nAssertPathIsMountPoint=${mountPath}\n`,
        ),
      ],
    },
  ];
}
