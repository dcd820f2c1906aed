import type { Guest, Site } from "../site.ts";
import { type Contribution, plainFile } from "./contribution.ts";

/** Units of the runtime that write nothing there: what tells that the disk is gone must go on. */
const worksWithout = /^dbkeeper-(disk|failed@|folders|health|maintain-\w+|observe)\.service$/;

/**
 * Keeps dumps and physical backups off the system's own disk: where a guest has one for backups, none is made while
 * that is not mounted. The run fails, and the alert on the age of the last good dump says so.
 * @param database what the guest gets for its databases
 */
export function backupVolume(
  { databases }: Site,
  { name, backupDisk }: Guest,
  database: readonly Contribution[],
): readonly Contribution[] {
  const cluster = databases.postgres.find(({ primary }) => primary === name);
  if (!backupDisk || !cluster?.dump.directory.startsWith(`${backupDisk.mountPath}/`)) return [];
  const { mountPath } = backupDisk;
  const services = database
    .flatMap(({ units = [] }) => units.map((unit) => unit.name))
    .filter((unit) => /^dbkeeper.*\.service$/.test(unit) && !worksWithout.test(unit));
  return [
    {
      files: services.map((service) =>
        plainFile(
          `/etc/systemd/system/${service}.d/backup-volume.conf`,
          `[Unit]\nRequiresMountsFor=${mountPath}\nAssertPathIsMountPoint=${mountPath}\n`,
        ),
      ),
    },
  ];
}
