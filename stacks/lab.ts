import type { SiteInput } from "../infra/site.ts";

/** Linux guests that nothing but the weekly policy protects: everything on them can be rebuilt from code. */
const rebuildable = {
  tier: "standard",
  backup: { tool: "pbs", policy: "linux-weekly" },
} as const;

/** A guest that this program makes from the pinned Ubuntu image. */
const ubuntu = { image: "ubuntu-2404", network: "lab" } as const;

/** A guest that exists already and is only protected and watched. */
const existing = { managed: false, network: "lab" } as const;

const mail = {
  type: "email",
  from: "alerts@radioastronomy.io",
  smarthost: "mail.radioastronomy.io:587",
} as const;

/**
 * The lab: seven Proxmox nodes, the DESI databases on proj-pg01, monitoring on proj-mon01, backups on pbs01.
 * Host names and addresses of guests other than these are the ones to adapt first when this file becomes yours.
 */
const lab: SiteInput = {
  name: "lab",
  domain: "radioastronomy.io",

  proxmox: {
    nodes: Array.from({ length: 7 }, (_, index) => ({
      name: `node0${index + 1}`,
      address: `10.16.207.${11 + index}`,
    })),
  },

  networks: {
    lab: {
      cidr: "10.16.207.0/24",
      gateway: "10.16.207.1",
      bridge: "vmbr0",
      dnsServers: ["10.16.207.1"],
    },
  },

  images: {
    "ubuntu-2404": {
      url: "https://cloud-images.ubuntu.com/releases/noble/release-20260705/ubuntu-24.04-server-cloudimg-amd64.img",
      sha256: "ffe6203da54deeb6db5d2a98a83f9ec8e55f149d3f7ba622e1abe5fa966ee3d6",
      fileName: "ubuntu-24.04-20260705.qcow2",
    },
  },

  guests: [
    {
      ...ubuntu,
      id: 2001,
      name: "proj-dp01",
      node: "node01",
      address: "10.16.207.51",
      cores: 8,
      memoryMib: 32_768,
      diskGib: 200,
      protected: true,
      tier: "critical",
      backup: { tool: "pbs", policy: "proj-dp01-daily" },
    },
    {
      ...ubuntu,
      id: 2002,
      name: "proj-pg01",
      node: "node02",
      address: "10.16.207.52",
      cores: 8,
      memoryMib: 65_536,
      diskGib: 200,
      backupDisk: { sizeGib: 400 },
      protected: true,
      tier: "critical",
      backup: { tool: "pbs", policy: "proj-pg01-daily" },
    },
    {
      ...ubuntu,
      ...rebuildable,
      id: 2003,
      name: "proj-pg02",
      node: "node03",
      address: "10.16.207.53",
      cores: 8,
      memoryMib: 65_536,
      diskGib: 200,
      backupDisk: { sizeGib: 400 },
    },
    {
      ...ubuntu,
      ...rebuildable,
      id: 2010,
      name: "proj-mon01",
      node: "node04",
      address: "10.16.207.60",
      cores: 4,
      memoryMib: 8192,
      diskGib: 100,
    },
    {
      ...ubuntu,
      ...rebuildable,
      id: 2011,
      name: "proj-exp01",
      node: "node05",
      address: "10.16.207.61",
      diskGib: 20,
    },
    { ...existing, ...rebuildable, id: 2020, name: "proj-my01", node: "node05", address: "10.16.207.70" },
    { ...existing, ...rebuildable, id: 2021, name: "proj-mongo01", node: "node06", address: "10.16.207.71" },
    { ...existing, ...rebuildable, id: 2022, name: "proj-rdb01", node: "node06", address: "10.16.207.72" },
    { ...existing, ...rebuildable, id: 2031, name: "proj-k8s01", node: "node05", address: "10.16.207.81" },
    { ...existing, ...rebuildable, id: 2032, name: "proj-k8s02", node: "node06", address: "10.16.207.82" },
    { ...existing, ...rebuildable, id: 2033, name: "proj-k8s03", node: "node07", address: "10.16.207.83" },
    {
      ...existing,
      id: 2040,
      name: "proj-win01",
      node: "node07",
      os: "windows",
      address: "10.16.207.90",
      tier: "standard",
      backup: { tool: "veeam", everyHours: 168, evidence: "Veeam console, job proj-win01" },
    },
  ],

  objectives: {
    critical: { rpoHours: 24, rtoHours: 4 },
    standard: { rpoHours: 168, rtoHours: 24 },
  },

  pbs: {
    host: "pbs01.radioastronomy.io",
    address: "10.16.207.218",
    datastores: {
      "lab-backups": {
        path: "/mnt/datastore/lab-backups",
        capacityGib: 3725,
        gcSchedule: "05:30",
        verify: { schedule: "sat 08:00", outdatedAfterDays: 30 },
      },
    },
  },

  retentions: {
    "critical-daily": {
      datastore: "lab-backups",
      namespace: "critical",
      pruneSchedule: "04:30",
      keepDaily: 7,
      keepWeekly: 4,
      keepMonthly: 1,
    },
    "standard-weekly": {
      datastore: "lab-backups",
      namespace: "standard",
      pruneSchedule: "sun 12:00",
      keepWeekly: 4,
      keepMonthly: 1,
    },
  },

  policies: {
    "proj-dp01-daily": { schedule: "01:00", retention: "critical-daily", durationLimitMinutes: 30 },
    "proj-pg01-daily": { schedule: "02:00", retention: "critical-daily", durationLimitMinutes: 60 },
    "linux-weekly": { schedule: "sun 06:00", retention: "standard-weekly", durationLimitMinutes: 240 },
  },

  archive: {
    region: "eu-central-1",
    buckets: {
      dumps: {
        name: "radioastronomy-lab-dumps",
        storageClass: "GLACIER",
        transitionAfterDays: 30,
        retentionDays: 365,
        lockDays: 30,
        writers: ["proj-pg01"],
      },
      configuration: {
        name: "radioastronomy-lab-configuration",
        storageClass: "GLACIER",
        transitionAfterDays: 30,
        retentionDays: 365,
        lockDays: 30,
        writers: ["configuration"],
      },
      images: {
        name: "radioastronomy-lab-images",
        storageClass: "GLACIER",
        transitionAfterDays: 1,
        retentionDays: 365,
        lockDays: 90,
        writers: ["pbs01"],
      },
    },
    logs: { name: "radioastronomy-lab-archive-logs", retentionDays: 365 },
    restoreNotices: { emails: ["admin@radioastronomy.io"] },
  },

  databases: {
    postgres: [
      {
        name: "pg01",
        version: 16,
        primary: "proj-pg01",
        standbys: ["proj-pg02"],
        databases: ["desi_void_desivast", "desi_void_fastspecfit", "template_desi"],
        roles: {
          backup: "iperius_backup_pg01",
          maintenance: "clusteradmin_pg01",
          monitoring: "monitoring_pg01",
          replication: "replication_pg01",
        },
        dump: { schedule: "*-*-* 03:00:00 UTC", jobs: 4 },
        maintenance: { owners: ["desi_owner"] },
      },
    ],
    others: [
      { guest: "proj-my01", engine: "mysql", port: 9104 },
      { guest: "proj-mongo01", engine: "mongodb", port: 9216 },
      { guest: "proj-rdb01", engine: "rustydb", port: 8080, metricsPath: "/api/v1/metrics/prometheus" },
    ],
  },

  monitoring: {
    host: "proj-mon01",
    // Of silence the lab itself cannot tell: its address is the stack's secret heartbeatUrl.
    heartbeat: {},
    channels: [
      {
        ...mail,
        name: "dba-team",
        severities: ["critical", "warning"],
        to: ["dba@radioastronomy.io"],
      },
      {
        ...mail,
        name: "administrators",
        severities: ["critical"],
        to: ["admin@radioastronomy.io"],
      },
      {
        type: "pagerduty",
        name: "on-call",
        severities: ["critical"],
      },
      {
        // Whom the pager did not wake.
        type: "pagerduty",
        name: "second-on-call",
        severities: ["critical"],
        escalationMinutes: 15,
      },
      {
        type: "slack",
        name: "slack-databases",
        severities: ["critical", "warning"],
        areas: ["performance", "replication", "integrity"],
        channel: "#lab-databases",
      },
      {
        type: "slack",
        name: "slack-backups",
        severities: ["critical", "warning"],
        areas: ["backup"],
        channel: "#lab-backups",
      },
      {
        type: "slack",
        name: "slack-infrastructure",
        severities: ["critical", "warning"],
        areas: ["availability", "capacity", "monitoring", "resources"],
        channel: "#lab-infrastructure",
      },
      {
        type: "slack",
        name: "slack-security",
        severities: ["critical", "warning"],
        areas: ["security"],
        channel: "#lab-security",
      },
    ],
  },

  binaries: {
    node: {
      version: "24.11.1",
      url: "https://nodejs.org/dist/v24.11.1/node-v24.11.1-linux-x64.tar.xz",
      sha256: "60e3b0a8500819514aca603487c254298cd776de0698d3cd08f11dba5b8289a8",
      member: "node-v24.11.1-linux-x64/bin/node",
    },
    prometheus: {
      version: "3.14.0",
      url: "https://github.com/prometheus/prometheus/releases/download/v3.14.0/prometheus-3.14.0.linux-amd64.tar.gz",
      sha256: "f665c6da19eb7ba399c915d30c7d9793c9b417bf8a749b504bc470678631478d",
      member: "prometheus-3.14.0.linux-amd64/prometheus",
    },
    alertmanager: {
      version: "0.28.1",
      url: "https://github.com/prometheus/alertmanager/releases/download/v0.28.1/alertmanager-0.28.1.linux-amd64.tar.gz",
      sha256: "5ac7ab5e4b8ee5ce4d8fb0988f9cb275efcc3f181b4b408179fafee121693311",
      member: "alertmanager-0.28.1.linux-amd64/alertmanager",
    },
    nodeExporter: {
      version: "1.9.1",
      url: "https://github.com/prometheus/node_exporter/releases/download/v1.9.1/node_exporter-1.9.1.linux-amd64.tar.gz",
      sha256: "becb950ee80daa8ae7331d77966d94a611af79ad0d3307380907e0ec08f5b4e8",
      member: "node_exporter-1.9.1.linux-amd64/node_exporter",
    },
    postgresExporter: {
      version: "0.17.1",
      url: "https://github.com/prometheus-community/postgres_exporter/releases/download/v0.17.1/postgres_exporter-0.17.1.linux-amd64.tar.gz",
      sha256: "6da7d2edafd69ecceb08addec876786fa609849f6d5f903987c0d61c3fc89506",
      member: "postgres_exporter-0.17.1.linux-amd64/postgres_exporter",
    },
  },
};

export default (): SiteInput => lab;
