/** The name of a WAL segment, taken apart. */
export interface Segment {
  timeline: number;
  /** Counts segments from the beginning of the WAL. */
  number: number;
}

/** Reads a segment's name; undefined for any other file. `segmentBytes` is the server's wal_segment_size. */
export function parseSegment(name: string, segmentBytes: number): Segment | undefined {
  if (!/^[0-9A-F]{24}$/.test(name)) return undefined;
  const [timeline = 0, high = 0, low = 0] = [0, 8, 16].map((at) =>
    Number.parseInt(name.slice(at, at + 8), 16),
  );
  return { timeline, number: high * perHigh(segmentBytes) + low };
}

/** The name of a segment. */
export function segmentName({ timeline, number }: Segment, segmentBytes: number): string {
  const high = Math.floor(number / perHigh(segmentBytes));
  const parts = [timeline, high, number % perHigh(segmentBytes)];
  return parts.map((part) => part.toString(16).toUpperCase().padStart(8, "0")).join("");
}

/** What became of a segment that is not in the repository, in WAL-G's classes. */
export type MissingClass = "MISSING_DELAYED" | "MISSING_UPLOADING" | "MISSING_LOST";

/** Segments in a row of which all are missing for the same reason. */
export interface Gap {
  timeline: number;
  /** Names of the first and last one. */
  first: string;
  last: string;
  segments: number;
  class: MissingClass;
}

/** What {@link findGaps} needs to know. */
export interface GapsInput {
  /** Names of the segments in the repository. */
  present: readonly string[];
  /** First segment that a retained backup needs, of every backup. */
  needed: readonly string[];
  /** Segment that the server writes now; undefined on one that is out of reach. */
  current: string | undefined;
  /** Segments that the server still has to archive. */
  waiting: readonly string[];
  segmentBytes: number;
}

/**
 * Segments that lie between the oldest one that a retained backup needs and the one that is being written, and are
 * not in the repository, by timeline. The newest waiting one may be on its way (`MISSING_UPLOADING`), the others wait
 * (`MISSING_DELAYED`); one that the server does not have any more is `MISSING_LOST`: recovery ends before it.
 */
export function findGaps({ present, needed, current, waiting, segmentBytes }: GapsInput): Gap[] {
  const parsed = (names: readonly string[]) =>
    names.flatMap((name) => parseSegment(name, segmentBytes) ?? []);
  const now = parsed(current === undefined ? [] : [current])[0];
  const starts = parsed(needed);
  const there = parsed(present);
  const oldestWaiting = waiting.toSorted()[0];
  const gaps: Gap[] = [];
  for (const timeline of [
    ...new Set([...there, ...starts, ...(now ? [now] : [])].map((s) => s.timeline)),
  ].sort((a, b) => a - b)) {
    const of = (segments: readonly Segment[]) =>
      segments.filter((segment) => segment.timeline === timeline).map(({ number }) => number);
    const have = new Set(of(there));
    const first = Math.min(...(of(starts).length > 0 ? of(starts) : [...have, ...(now ? of([now]) : [])]));
    const last = timeline === now?.timeline ? now.number - 1 : Math.max(first - 1, ...have);
    for (let number = first; number <= last; number++) {
      if (have.has(number)) continue;
      const name = segmentName({ timeline, number }, segmentBytes);
      const found: MissingClass = !waiting.includes(name)
        ? "MISSING_LOST"
        : name === oldestWaiting
          ? "MISSING_UPLOADING"
          : "MISSING_DELAYED";
      const previous = gaps.at(-1);
      const follows =
        previous?.class === found &&
        previous.last === segmentName({ timeline, number: number - 1 }, segmentBytes);
      if (previous !== undefined && follows) {
        previous.last = name;
        previous.segments += 1;
      } else gaps.push({ timeline, first: name, last: name, segments: 1, class: found });
    }
  }
  return gaps;
}

/** Segments to a step of a name's middle part. */
function perHigh(segmentBytes: number): number {
  return 2 ** 32 / segmentBytes;
}
