/** How much an event matters. */
type Level = "info" | "warning" | "error";

/** Facts of an event; never secrets. */
type Facts = Record<string, string | number | boolean | null | readonly string[]> & {
  [reserved in "time" | "level" | "event" | "text"]?: never;
};

/** Tells what happens while it happens. */
export interface Report {
  /** `event` is a stable kebab-case name for programs, `text` the sentence for people. */
  event(level: Level, event: string, text: string, facts?: Facts): void;
}

/** Something that takes text: process.stdout, or a test. */
export interface Sink {
  write(text: string): unknown;
}

/** One JSON object a line: `time` (ISO 8601), `level`, `event`, `text` and the event's facts. */
export function jsonReport(out: Sink): Report {
  return {
    event(level, event, text, facts = {}) {
      out.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, text, ...facts })}\n`);
    },
  };
}

/** One sentence a line. */
export function humanReport(out: Sink): Report {
  return {
    event(level, _event, text) {
      out.write(level === "info" ? `${text}\n` : `${level}: ${text}\n`);
    },
  };
}

/** Bytes as people read them. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A duration as people read it. */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  if (seconds < 86_400 * 2) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}
