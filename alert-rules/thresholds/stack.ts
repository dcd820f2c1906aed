import type { Figure } from "../limit.ts";

const hour = 3600;
const m14 = "M14 of the requirements: the stack watches itself";

export const stackFigures = {
  ruleGroupDuration: {
    value: 0.8,
    unit: "ratio",
    forSeconds: 600,
    meaning: "time that a group of rules takes, of the time until it is due again",
    source: `${m14}; above 1 evaluations are left out`,
  },
  notificationQueue: {
    value: 0.5,
    unit: "ratio",
    forSeconds: 300,
    meaning: "alerts that wait to be sent to Alertmanager, of what the queue holds",
    source: `${m14}; what does not fit is thrown away`,
  },
  failedNotifications: {
    value: 0.5,
    unit: "ratio",
    forSeconds: 0,
    meaning: "messages of an integration that could not be delivered, of all",
    source: `${m14}: notification failures`,
  },
  scrapeDuration: {
    value: 8,
    unit: "seconds",
    forSeconds: 600,
    meaning: "time that a scrape takes; four fifths of what it may, which is 10 s or the interval",
    source: `${m14}: scrape time`,
  },
  seriesGrowth: {
    value: 2,
    unit: "ratio",
    forSeconds: 900,
    meaning: "series in Prometheus' memory, as a multiple of the fewest of a day",
    source: `${m14}; a label with values without end eats the memory`,
  },
  seriesFloor: {
    value: 20_000,
    unit: "count",
    forSeconds: 0,
    meaning: "series below which growth means nothing",
    source: "a small lab that adds its first hosts doubles at once",
  },
  textfileAge: {
    value: 26 * hour,
    unit: "seconds",
    forSeconds: 900,
    meaning: "age of a file of metrics that node_exporter reads",
    source: "all that writes such files runs daily at least",
  },
  proxwatchAge: {
    value: 600,
    unit: "seconds",
    forSeconds: 300,
    meaning: "time since proxwatch last looked at Proxmox",
    source: "it looks every minute, and may take five",
  },
} as const satisfies Readonly<Record<string, Figure>>;
