import { describe, expect, it } from "vitest";
import { nextRuns, parseCalendarEvent as parseForPbs } from "../infra/pbs/calendar.ts";
import { nextRun, parseCalendarEvent as parseForPve } from "../rehearsal/pve/calendar.ts";
import { calendarEvents } from "./calendar-events.ts";

const count = 3;

function runsOnPbs(text: string, after: Date): readonly Date[] | "refused" {
  const parsed = parseForPbs(text);
  return parsed.ok ? nextRuns(parsed.event, after, count) : "refused";
}

function runsOnPve(text: string, after: Date): readonly Date[] | "refused" {
  let event: ReturnType<typeof parseForPve>;
  try {
    event = parseForPve(text);
  } catch {
    return "refused";
  }
  const runs: Date[] = [];
  for (let at = after; runs.length < count; ) {
    const next = nextRun(event, at.getTime() / 1000);
    if (next === undefined) break;
    at = new Date(next * 1000);
    runs.push(at);
  }
  return runs;
}

const shown = (runs: readonly Date[] | "refused") =>
  runs === "refused"
    ? runs
    : runs.map((run) => run.toISOString().slice(0, 19).replace("T", " ").replace(/:00$/, ""));

describe.each(calendarEvents)("$event", ({ event, after, runs }) => {
  const expected =
    "pve" in Object(runs) ? (runs as { pve: unknown; pbs: unknown }) : { pve: runs, pbs: runs };

  it("runs on Proxmox Backup Server as documented", () => {
    expect(shown(runsOnPbs(event, new Date(after)))).toEqual(expected.pbs);
  });

  it("runs on Proxmox VE as documented", () => {
    expect(shown(runsOnPve(event, new Date(after)))).toEqual(expected.pve);
  });
});
