import { refuses } from "./testing.ts";

const interval = "monitoring.timeIntervals.nights[0]";

refuses("Alerting that is wrong", [
  [
    "areas of which nobody hears at once",
    (s) => {
      const [dba, administrators] = s.monitoring.channels;
      s.monitoring.channels = [{ ...dba, escalationMinutes: 10 }, administrators, s.monitoring.channels[5]];
    },
    'monitoring.channels: ["dba-team","administrators","slack-backups"]: no channel takes warning alerts of availability, capacity, integrity, monitoring, performance, replication, resources, security at once; allowed: a channel for them without escalationMinutes',
  ],
  [
    "critical alerts that wait for the morning",
    (s) => {
      s.monitoring.timeIntervals = { nights: [{ times: [{ startTime: "00:00", endTime: "06:00" }] }] };
      s.monitoring.channels = [
        { ...s.monitoring.channels[0], muteTimeIntervals: ["nights"] },
        { ...s.monitoring.channels[5], severities: ["critical"] },
      ];
    },
    'monitoring.channels: ["dba-team","slack-backups"]: no channel takes critical alerts of availability, capacity, integrity, monitoring, performance, replication, resources, security at once at every hour; allowed: a channel for them without escalationMinutes and time intervals',
  ],
  [
    "time intervals that do not exist",
    (s) => {
      s.monitoring.channels[1].activeTimeIntervals = ["constructor"];
      s.monitoring.maintenanceWindows = [{ timeIntervals: ["nights"], hosts: ["proj-pg01", "pbs01"] }];
    },
    'monitoring.channels[1].activeTimeIntervals[0]: "constructor": there is no such time interval; allowed: none is defined yet',
    'monitoring.maintenanceWindows[0].timeIntervals[0]: "nights": there is no such time interval; allowed: none is defined yet',
    'monitoring.maintenanceWindows[0].hosts[1]: "pbs01": there is no such host; allowed: proj-dp01, proj-pg01, proj-pg02, proj-mon01, proj-exp01, proj-my01, proj-mongo01, proj-rdb01, proj-k8s01, proj-k8s02, proj-k8s03, proj-win01',
  ],
  [
    "times that are none",
    (s) => {
      s.monitoring.timeIntervals = {
        nights: [
          {
            times: [
              { startTime: "22:00", endTime: "06:00" },
              { startTime: "1h", endTime: "24:01" },
            ],
            weekdays: ["friday:monday"],
            daysOfMonth: ["-1:1", "0"],
            months: ["1:3"],
            location: "+01:00",
          },
        ],
      };
    },
    `${interval}.times[0].endTime: "06:00": it is not valid; allowed: later than startTime; a range over midnight is two, one up to 24:00 and one from 00:00`,
    `${interval}.times[1].startTime: "1h": it is not valid; allowed: a time of day such as 08:00`,
    `${interval}.times[1].endTime: "24:01": it is not valid; allowed: a time of day such as 18:00, or 24:00`,
    `${interval}.weekdays[0]: "friday:monday": it is not valid; allowed: a day or days such as monday:friday, from sunday to saturday`,
    `${interval}.daysOfMonth[0]: "-1:1": it is not valid; allowed: days such as 1:7 or -3:-1, from 1 to 31 or from -31 to -1, the earlier first`,
    `${interval}.daysOfMonth[1]: "0": it is not valid; allowed: days such as 1:7 or -3:-1, from 1 to 31 or from -31 to -1, the earlier first`,
    `${interval}.months[0]: "1:3": it is not valid; allowed: a month or months such as october:december`,
    `${interval}.location: "+01:00": it is not valid; allowed: a time zone such as Europe/Berlin or America/Los_Angeles`,
  ],
  [
    "a heartbeat that is a guest of the lab",
    (s) => {
      s.monitoring.heartbeat = { url: "https://10.16.207.60/ping", intervalSeconds: 60 };
    },
    'monitoring.heartbeat.url: "https://10.16.207.60/ping": guest proj-mon01 answers there, which may be down together with the monitoring; allowed: a service outside of the lab',
  ],
  [
    "channels that no message can be sent to",
    (s) => {
      s.monitoring.channels[1].name = "nobody";
      s.monitoring.channels[2].repeatMinutes = { critical: 10_000 };
      s.monitoring.channels[3].escalationMinutes = -5;
      s.monitoring.channels[4].channel = "Lab Databases";
      s.monitoring.channels[5].areas = ["backups"];
    },
    "monitoring.channels[2].repeatMinutes.critical: 10000: it is not valid; allowed: a whole number of minutes from 1 to 5760",
    "monitoring.channels[3].escalationMinutes: -5: it is not valid; allowed: a number of minutes, at least 0",
    'monitoring.channels[4].channel: "Lab Databases": it is not valid; allowed: a channel such as #lab-databases, or its id',
    'monitoring.channels[5].areas[0]: "backups": it is none of the choices; allowed: availability, backup, capacity, integrity, monitoring, performance, replication, resources, security',
  ],
  [
    "a channel with the name of another receiver",
    (s) => {
      s.monitoring.channels[1].name = "nobody";
    },
    'monitoring.channels[1].name: "nobody": a receiver of every site is called so; allowed: another name',
  ],
]);
