import type { Figure, Limit } from "./limit.ts";
import { quantity } from "./limit.ts";
import { anomaliesFigures } from "./thresholds/anomalies.ts";
import { availabilityFigures } from "./thresholds/availability.ts";
import { backupFigures } from "./thresholds/backup.ts";
import { backupHostFigures } from "./thresholds/backup-host.ts";
import { capacityFigures } from "./thresholds/capacity.ts";
import { connectionsFigures } from "./thresholds/connections.ts";
import { healthFigures } from "./thresholds/health.ts";
import { hostsFigures } from "./thresholds/hosts.ts";
import { integrityFigures } from "./thresholds/integrity.ts";
import { keyEscrowFigures } from "./thresholds/key-escrow.ts";
import { kubernetesStorageFigures } from "./thresholds/kubernetes-storage.ts";
import { maintenanceFigures } from "./thresholds/maintenance.ts";
import { mongodbFigures } from "./thresholds/mongodb.ts";
import { mysqlFigures } from "./thresholds/mysql.ts";
import { performanceFigures } from "./thresholds/performance.ts";
import { proxmoxFigures } from "./thresholds/proxmox.ts";
import { replicationFigures } from "./thresholds/replication.ts";
import { rustydbFigures } from "./thresholds/rustydb.ts";
import { securityFigures } from "./thresholds/security.ts";
import { sloFigures } from "./thresholds/slo.ts";
import { stackFigures } from "./thresholds/stack.ts";
import { walFigures } from "./thresholds/wal.ts";
import { wraparoundFigures } from "./thresholds/wraparound.ts";

/** Every figure that an alert or a dashboard compares with, once. A site may override each. */
export const figures = {
  ...availabilityFigures,
  ...healthFigures,
  ...replicationFigures,
  ...backupFigures,
  ...connectionsFigures,
  ...backupHostFigures,
  ...keyEscrowFigures,
  ...hostsFigures,
  ...performanceFigures,
  ...walFigures,
  ...wraparoundFigures,
  ...proxmoxFigures,
  ...integrityFigures,
  ...securityFigures,
  ...stackFigures,
  ...rustydbFigures,
  ...maintenanceFigures,
  ...sloFigures,
  ...capacityFigures,
  ...mysqlFigures,
  ...kubernetesStorageFigures,
  ...anomaliesFigures,
  ...mongodbFigures,
} as const satisfies Readonly<Record<string, Figure>>;

export type FigureName = keyof typeof figures;

/** What a site has of its own: values in the figure's unit. */
export type Overrides = Readonly<Partial<Record<FigureName, number>>>;

export const figureNames = Object.keys(figures) as FigureName[];

/** A figure with the site's value; `paced` brings its `for` to the site's pace. */
export function limitOf(
  name: FigureName,
  overrides: Overrides,
  paced: (seconds: number) => number = (seconds) => seconds,
): Limit {
  const figure: Figure = figures[name];
  const value = overrides[name] ?? figure.value;
  return {
    ...figure,
    name,
    value,
    forSeconds: paced(figure.forSeconds),
    text: quantity(value, figure.unit),
    isOverridden: value !== figure.value,
  };
}
