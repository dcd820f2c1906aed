import type { Bound } from "../bounds.ts";

/** What one way of dumping cost. */
export interface DumpFigures {
  readonly way: string;
  /** The median of all runs. */
  readonly seconds: number;
  /** What is kept on the disk. */
  readonly bytes: number;
  /** Processor time of its processes, the median of all runs; the server's does not count. */
  readonly processorSeconds: number;
  /** The most that its processes held at once, in any run; the server's do not count. */
  readonly peakMib: number;
}

/** The ways that the bounds compare. */
export const ways = {
  script: "plain script",
  pipeline: "pg_dump -Z0 | zstd -1",
  physical: "pgbackrest full, zst, all jobs",
  physicalByDefault: "pgbackrest full, its defaults",
  physicalDelivered: "pgbackrest full, as delivered",
  dump: "dump with SHA-256",
  counted: "dump with rows counted",
  decoded: "dump, then decode",
  proven: "run: dump, restore, compare",
} as const;

/** The bounds of one scenario; those whose ways were not measured are left out. */
export function boundsOfDumps(scenario: string, figures: readonly DumpFigures[]): Bound[] {
  const of = (way: string) => figures.find((each) => each.way === way);
  const [script, pipeline, dump] = [of(ways.script), of(ways.pipeline), of(ways.dump)];
  const [decoded, proven] = [of(ways.decoded), of(ways.proven)];
  const bounds: (Bound | undefined)[] = [
    dump && pipeline && ratio("time of a dump beside the fastest pipeline", dump, pipeline, "seconds", 1.1),
    dump && pipeline && ratio("bytes of a dump beside the fastest pipeline's", dump, pipeline, "bytes", 1),
    decoded &&
      pipeline &&
      ratio("time to dump and decode beside the pipeline", decoded, pipeline, "seconds", 2),
    proven && script && ratio("time to dump and prove beside the plain script", proven, script, "seconds", 1),
  ];
  return bounds.flatMap((bound) => (bound ? [{ ...bound, name: `${scenario}: ${bound.name}` }] : []));
}

/** Memory must not follow size: the larger data set has four times as much. */
export function memoryBound(small: DumpFigures, large: DumpFigures): Bound {
  return ratio(`memory of "${small.way}" for four times the data`, large, small, "peakMib", 1.25);
}

function ratio(
  name: string,
  ours: DumpFigures,
  theirs: DumpFigures,
  figure: "seconds" | "bytes" | "peakMib",
  most: number,
): Bound {
  return { name, value: ours[figure] / theirs[figure], most, unit: "×" };
}
