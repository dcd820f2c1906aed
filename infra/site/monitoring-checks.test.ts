import { refuses } from "./testing.ts";

refuses("Monitoring and binaries that are wrong", [
  [
    "no channel",
    (s) => {
      s.monitoring.channels = [];
    },
    "monitoring.channels: []: it is not valid; allowed: at least one channel: an alert that reaches nobody is no alert",
  ],
  [
    "two channels with one name",
    (s) => {
      s.monitoring.channels[1].name = "dba-team";
    },
    'monitoring.channels[1].name: "dba-team": channel dba-team is named twice; allowed: a value of its own',
  ],
  [
    "a severity that reaches nobody",
    (s) => {
      s.monitoring.channels = s.monitoring.channels.slice(1, 3);
    },
    'monitoring.channels: ["administrators","on-call"]: no channel takes alerts of severity warning; allowed: a channel with warning among its severities',
  ],
  [
    "Grafana at the port of another program, where it is installed",
    (s) => {
      s.monitoring.grafana = { install: true };
      s.monitoring.ports = { grafana: 9090 };
    },
    "monitoring.ports.grafana: 9090: prometheus listens on it already; allowed: a port of its own",
  ],
  [
    "a Grafana whose installation is no yes or no",
    (s) => {
      s.monitoring.grafana = { install: "12.1.0" };
    },
    'monitoring.grafana.install: "12.1.0": it has the wrong type; allowed: boolean',
  ],
  [
    "an unknown severity",
    (s) => {
      s.monitoring.channels[0].severities = ["critical", "warning", "page"];
    },
    'monitoring.channels[0].severities[2]: "page": it is none of the choices; allowed: critical, warning',
  ],
  [
    "an unknown kind of channel",
    (s) => {
      s.monitoring.channels[1] = { type: "fax", name: "fax" };
    },
    'monitoring.channels[1].type: "fax": it matches none of the forms; allowed: email, slack, pagerduty, webhook',
  ],
  [
    "a mail server without a port",
    (s) => {
      s.monitoring.channels[1].smarthost = "mail.radioastronomy.io";
    },
    'monitoring.channels[1].smarthost: "mail.radioastronomy.io": it is not valid; allowed: host:port of the mail server',
  ],
  [
    "an address that is no e-mail address",
    (s) => {
      s.monitoring.channels[1].to = ["admin"];
    },
    'monitoring.channels[1].to[0]: "admin": it is not valid; allowed: an e-mail address',
  ],
  [
    "an unknown host",
    (s) => {
      s.monitoring.host = "proj-mon09";
    },
    'monitoring.host: "proj-mon09": there is no such guest; allowed: proj-dp01, proj-pg01, proj-pg02, proj-mon01, proj-exp01, proj-my01, proj-mongo01, proj-rdb01, proj-k8s01, proj-k8s02, proj-k8s03, proj-win01',
  ],
  [
    "a host that the program does not make",
    (s) => {
      s.monitoring.host = "proj-my01";
    },
    'monitoring.host: "proj-my01": software is delivered to it, but the program does not make it; allowed: a Linux guest with managed: true',
  ],
  [
    "one port for two programs",
    (s) => {
      s.monitoring.ports = { alertmanager: 9090 };
    },
    "monitoring.ports.alertmanager: 9090: prometheus listens on it already; allowed: a port of its own",
  ],
  [
    "a port that does not exist",
    (s) => {
      s.monitoring.ports = { node: 70_000 };
    },
    "monitoring.ports.node: 70000: it is not valid; allowed: a TCP port from 1 to 65535",
  ],
  [
    "good dumps that would be reported as too old",
    (s) => {
      s.monitoring.maximumDumpAgeHours = 24;
    },
    "monitoring.maximumDumpAgeHours: 24: cluster pg01 is dumped every 24 h (Fri 2027-01-01 03:00, Sat 2027-01-02 03:00, Sun 2027-01-03 03:00) in up to 45 min, so that a good dump would be reported as too old; allowed: at least 25",
  ],
  [
    "a scrape interval that is no number",
    (s) => {
      s.monitoring.scrapeIntervalSeconds = Number.NaN;
    },
    "monitoring.scrapeIntervalSeconds: NaN: it has the wrong type; allowed: a whole number",
  ],
  [
    "a binary without a digest",
    (s) => {
      delete s.binaries.prometheus.sha256;
    },
    "binaries.prometheus.sha256: missing: it is required; allowed: a value of type string",
  ],
  [
    "a mirror at an address that is none",
    (s) => {
      s.binaries.mirror = "http://%";
    },
    'binaries.mirror: "http://%": it is not valid; allowed: an http:// or https:// address',
  ],
  [
    "a missing binary",
    (s) => {
      delete s.binaries.node;
    },
    "binaries.node: missing: it is required; allowed: a value of type object",
  ],
]);
