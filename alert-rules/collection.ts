import type { Lab } from "./lab.ts";
import { looksAtLastDay } from "./looks.ts";
import { alert, type RuleGroup, selector } from "./rule.ts";

/** What exporters and our own programs collect: a part that fails leaves no series, and what reads them is silent. */
export function collection(lab: Lab): RuleGroup {
  return {
    name: "collection",
    intervalSeconds: lab.every(600),
    rules: [
      postgresCollectorFails(lab),
      postgresExporterErrors(lab),
      nodeCollectorFails(lab),
      textfileUnreadable(lab),
      textfileStale(lab),
      proxwatchStale(lab),
    ],
  };
}

const postgresCollectorFails = (lab: Lab) =>
  alert({
    name: "PostgresCollectorFailing",
    expression: 'pg_scrape_collector_success{job="postgres"} == 0',
    forSeconds: lab.hold(300),
    severity: "warning",
    area: "monitoring",
    summary: "A part of PostgreSQL is not watched.",
    description:
      "postgres_exporter on {{ $labels.instance }} cannot collect {{ $labels.collector }}: alerts that read it stay silent.",
  });

const postgresExporterErrors = (lab: Lab) =>
  alert({
    name: "PostgresExporterErrors",
    expression: 'pg_exporter_last_scrape_error{job="postgres"} == 1',
    forSeconds: lab.hold(300),
    severity: "warning",
    area: "monitoring",
    summary: "Queries of postgres_exporter fail.",
    description:
      "Some queries of postgres_exporter on {{ $labels.instance }} fail: alerts that read their series stay silent.",
  });

const collected = 'node_scrape_collector_success{job="node"}';

const nodeCollectorFails = (lab: Lab) =>
  alert({
    name: "NodeCollectorFailing",
    // One for hardware that a host has not never succeeds.
    expression: `${collected} == 0 and max without (ago) (${looksAtLastDay(collected)}) == 1`,
    forSeconds: lab.hold(300),
    severity: "warning",
    area: "monitoring",
    summary: "A part of a host is no longer watched.",
    description:
      "node_exporter on {{ $labels.instance }} can no longer collect {{ $labels.collector }}: alerts that read it stay silent.",
  });

const textfileUnreadable = (lab: Lab) =>
  alert({
    name: "TextfileUnreadable",
    expression: 'node_textfile_scrape_error{job="node"} == 1',
    forSeconds: lab.hold(300),
    severity: "warning",
    area: "monitoring",
    summary: "A file of metrics cannot be read.",
    description:
      "node_exporter on {{ $labels.instance }} cannot read a file of metrics: what our own programs see does not arrive.",
  });

const textfileStale = (lab: Lab) =>
  alert({
    name: "TextfileStale",
    expression: `time() - node_textfile_mtime_seconds{job="node"} > ${lab.limit("textfileAge").value}`,
    limit: lab.limit("textfileAge"),
    severity: "warning",
    area: "monitoring",
    summary: "A file of metrics is not written any more.",
    description:
      "{{ $labels.file }} on {{ $labels.instance }} was last written {{ $value | humanizeDuration }} ago: what writes it does not run.",
    value: "{{ $value | humanizeDuration }}",
  });

function proxwatchStale(lab: Lab) {
  const { value, forSeconds } = lab.limit("proxwatchAge");
  const ran = selector("lab_proxwatch_last_run_timestamp_seconds", {
    job: "node",
    instance: lab.monitoringHost,
  });
  return alert({
    name: "ProxwatchStale",
    expression: `absent(${ran}) or time() - ${ran} > ${value}`,
    forSeconds,
    severity: "critical",
    area: "monitoring",
    summary: "Nobody looks at Proxmox any more.",
    description:
      "proxwatch on {{ $labels.instance }} does not run: guests, nodes, jobs and backups are as it last saw them, and their alerts stay silent.",
  });
}
