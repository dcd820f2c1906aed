import { available, loss, size, usedSpace } from "./capacity.ts";
import type { Lab } from "./lab.ts";
import { alert, type RuleGroup } from "./rule.ts";

/** What a week of growth makes of the next month. */
export function forecasts(lab: Lab): RuleGroup {
  return {
    name: "forecasts",
    // A week of every file system is much to read, and says the same half an hour later.
    intervalSeconds: lab.every(1800),
    rules: [actForecast(lab), ...(lab.clusters.length > 0 ? [databaseGrows(lab)] : [])],
  };
}

/** Seven days, so that each night and one weekend are in it; three at least must have been seen. */
const actForecast = (lab: Lab) => {
  const limit = lab.limit("diskActForecast");
  const share = Number((1 - lab.limit("diskUsedCritical").value).toFixed(6));
  const lost = loss("7d:1h");
  return alert({
    name: "DiskSpaceForecast",
    expression: `(${available} - ${share} * ${size}) / ${lost} < ${limit.value} and ${available} offset 3d > 0 and ${usedSpace} > ${lab.limit("diskForecastFloor").value}`,
    limit,
    severity: "warning",
    area: "capacity",
    summary: "A disk will have to be extended within a month.",
    description: `If {{ $labels.mountpoint }} on {{ $labels.instance }} goes on filling as in the last seven days, it is ${lab.limit("diskUsedCritical").text} full in {{ $value | humanizeDuration }}.`,
    value: "{{ $value | humanizeDuration }}",
  });
};

const databaseGrows = (lab: Lab) => {
  const limit = lab.limit("databaseGrowth");
  const bytes = 'pg_database_size_bytes{job="postgres"}';
  return alert({
    name: "DatabaseGrowsFast",
    expression: `(deriv(${bytes}[7d:1h]) * ${30 * 86_400} / ${bytes} > ${limit.value} and ${bytes} > ${lab.limit("databaseGrowthFloor").value} and ${bytes} offset 3d > 0) and on (instance) pg_replication_is_replica{job="postgres"} == 0`,
    limit,
    severity: "warning",
    area: "capacity",
    summary: "A database will double within a month.",
    description:
      "If {{ $labels.datname }} on {{ $labels.instance }} goes on growing as in the last seven days, it grows by {{ $value | humanizePercentage }} in 30 days: disks, dumps and their archive have to hold it.",
    value: "{{ $value | humanizePercentage }} in 30 days",
  });
};
