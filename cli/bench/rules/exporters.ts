import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Exposed, expositionOf } from "./exposition.ts";
import type { SyntheticLab, Target } from "./target.ts";
import { valueAt } from "./values.ts";

/** Every exporter of a synthetic lab, and an Alertmanager that takes all alerts, on one port. */
export interface Exporters {
  /** Where they listen: `127.0.0.1:port`. */
  readonly address: string;
  /** Where a target's metrics are. */
  pathOf(target: Target): string;
  seriesOf(target: Target): readonly Exposed[];
  close(): Promise<void>;
}

export async function startExporters(lab: SyntheticLab, startedAt: number): Promise<Exporters> {
  const seriesOf = memoized(lab, startedAt);
  const pages = new Map(lab.targets.map((target) => [pathOf(target), seriesOf(target)]));
  const print = printer();
  const server = createServer((request, response) => {
    const series = pages.get(request.url ?? "");
    request.resume();
    if (series) {
      response.setHeader("content-type", "text/plain; version=0.0.4");
      response.end(print(series));
    } else {
      // What is sent to Alertmanager.
      response.setHeader("content-type", "application/json");
      response.end('{"status":"success"}');
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    pathOf,
    seriesOf,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const pathOf = ({ job, instance }: Target) => `/${job}/${instance}`;

/** Guests that are alike say the same: it is computed once, and held once. */
function memoized(lab: SyntheticLab, startedAt: number): (target: Target) => readonly Exposed[] {
  const known = new Map<string, readonly Exposed[]>();
  const { monitoringHost, backupHost } = lab.inventory;
  return (target) => {
    const { job, instance, cluster } = target;
    const isAlone = cluster !== undefined || instance === monitoringHost || instance === backupHost;
    const key = `${job} ${isAlone ? instance : ""}`;
    const series = known.get(key) ?? expositionOf(target, lab, startedAt);
    known.set(key, series);
    return series;
  };
}

interface Page {
  readonly names: readonly string[];
  second: number;
  text: Buffer;
}

/** Prints series as exporters do; within a second the same text is good for all that ask for the same. */
function printer(): (series: readonly Exposed[]) => Buffer {
  const pages = new Map<readonly Exposed[], Page>();
  return (series) => {
    const page = pages.get(series) ?? { names: series.map(nameOf), second: 0, text: Buffer.alloc(0) };
    pages.set(series, page);
    const second = Math.floor(Date.now() / 1000);
    if (page.second !== second) {
      page.second = second;
      page.text = Buffer.from(
        series.map(({ values }, index) => `${page.names[index]} ${valueAt(values, second)}\n`).join(""),
      );
    }
    return page.text;
  };
}

function nameOf({ metric, labels }: Exposed): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${metric}{${pairs.join(",")}}`;
}
