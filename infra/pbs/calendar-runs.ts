import type { CalendarEvent } from "./calendar.ts";
import { limits } from "./calendar-fields.ts";

/** The next times at which the event is due, strictly after `from`, taking the server's clock as UTC. */
export function nextRuns(event: CalendarEvent, from: Date, count: number): Date[] {
  const runs: Date[] = [];
  for (const day of daysFrom(event, from)) {
    for (const hour of event.hours ?? upTo(23)) {
      for (const minute of event.minutes ?? upTo(59)) {
        for (const second of event.seconds ?? upTo(59)) {
          const run = new Date(day + ((hour * 60 + minute) * 60 + second) * 1000);
          if (run <= from) continue;
          runs.push(run);
          if (runs.length === count) return runs;
        }
      }
    }
  }
  return runs;
}

function* daysFrom(event: CalendarEvent, from: Date): Generator<number> {
  const today = Date.UTC(from.getUTCFullYear(), from.getUTCMonth(), from.getUTCDate());
  for (let year = from.getUTCFullYear(); year <= limits.years.last; year++) {
    if (event.years && !event.years.includes(year)) continue;
    for (let month = 1; month <= 12; month++) {
      if (event.months && !event.months.includes(month)) continue;
      for (let day = 1; day <= daysInMonth(year, month); day++) {
        const at = Date.UTC(year, month - 1, day);
        if (at < today || (event.days && !event.days.includes(day))) continue;
        const weekday = new Date(at).getUTCDay() || 7;
        if (!event.weekdays || event.weekdays.includes(weekday)) yield at;
      }
    }
  }
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function upTo(last: number): number[] {
  return Array.from({ length: last + 1 }, (_, value) => value);
}
