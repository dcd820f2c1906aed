import type { Tool, VendorDownload } from "./catalogue.ts";

/** The ones that the lab's scrape configurations use: with all of them, a cold build takes twice as long. */
const serviceDiscoveries = "remove_all_sd,enable_dns_sd,enable_kubernetes_sd";

/**
 * Without optimisation a build takes a third less time (measured: 38 s against 55 s). On one machine these programs
 * spend their time waiting; a real lab gets its own from their vendors.
 */
const unoptimised = "-N -l -dwarf=false";

/**
 * Tools written in Go. All of them can be built from pinned modules (CGO off, so that the result is one static
 * file). A version built from a module says nothing about itself unless told so by ldflags; what is in the cache
 * is trusted by the name of its folder.
 */
export const goTools = {
  pulumi: {
    name: "pulumi",
    why: "The engine that builds the lab from infra/.",
    minimum: {
      version: "3.220.0",
      why: "an older engine does not know the resource options of the SDK in package.json",
    },
    versionQuery: { args: ["version"], pattern: /v?(\d+\.\d+\.\d+\S*)/ },
    vendor: pulumiDownload(),
    go: {
      module: "pulumi",
      package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      version: "3.230.0",
      // Without its version the Automation API refuses the engine as unparseable.
      ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.230.0",
      gcflags: unoptimised,
      coldBuildSeconds: 100,
    },
  },
  "pulumi-language-nodejs": {
    name: "pulumi-language-nodejs",
    why: "Runs infra/index.ts for the engine.",
    // It tells no version; every release speaks the engine's protocol.
    vendor: pulumiDownload(),
    go: {
      module: "pulumi-language-nodejs",
      package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
      // The last version that has the language host inside the SDK's module.
      version: "3.66.0",
      ldflags: "-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.66.0",
      gcflags: unoptimised,
      coldBuildSeconds: 15,
    },
  },
  prometheus: {
    name: "prometheus",
    why: "Scrapes the lab's guests and evaluates the alert rules.",
    minimum: {
      version: "3.0.0",
      why: "2.x reads regular expressions and range boundaries in PromQL differently, so the rules would not mean the same",
    },
    runsOnGuests: true,
    versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\.\d+\S*)/ },
    vendor: prometheusDownload("prometheus/prometheus", "3.15.0"),
    debianPackage: "prometheus",
    go: {
      module: "prometheus",
      package: "github.com/prometheus/prometheus/cmd/prometheus",
      version: "3.15.0",
      ldflags: versioned("3.15.0"),
      gcflags: unoptimised,
      tags: serviceDiscoveries,
      coldBuildSeconds: 145,
    },
  },
  promtool: {
    name: "promtool",
    why: "Checks and unit-tests the alert rules.",
    minimum: { version: "3.0.0", why: "rules are tested with the PromQL of the Prometheus that runs them" },
    versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\.\d+\S*)/ },
    vendor: prometheusDownload("prometheus/prometheus", "3.15.0"),
    debianPackage: "prometheus",
    go: {
      module: "prometheus",
      package: "github.com/prometheus/prometheus/cmd/promtool",
      version: "3.15.0",
      ldflags: versioned("3.15.0"),
      gcflags: unoptimised,
      tags: serviceDiscoveries,
      coldBuildSeconds: 55,
    },
  },
  alertmanager: {
    name: "alertmanager",
    why: "Groups, silences and routes the alerts.",
    minimum: {
      version: "0.27.0",
      why: "older ones refuse UTF-8 label names, which Prometheus 3 sends",
    },
    runsOnGuests: true,
    versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\.\d+\S*)/ },
    vendor: prometheusDownload("prometheus/alertmanager", "0.31.1"),
    debianPackage: "prometheus-alertmanager",
    go: {
      module: "alertmanager",
      package: "github.com/prometheus/alertmanager/cmd/alertmanager",
      // From 0.32 on the module no longer carries the compiled web interface and does not build without it: 0.34.2 ends
      // with "pattern app/dist: no matching files found". Its routes, messages and metrics were seen to do as well, so
      // a lab that takes it from its vendor may.
      version: "0.31.1",
      ldflags: versioned("0.31.1"),
      gcflags: unoptimised,
      coldBuildSeconds: 45,
    },
  },
  amtool: {
    name: "amtool",
    why: "Checks Alertmanager's configuration and tests its routes.",
    minimum: {
      version: "0.27.0",
      why: "it must parse label matchers the way the Alertmanager of the lab does",
    },
    runsOnGuests: true,
    versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\.\d+\S*)/ },
    vendor: prometheusDownload("prometheus/alertmanager", "0.31.1"),
    debianPackage: "prometheus-alertmanager",
    go: {
      module: "alertmanager",
      package: "github.com/prometheus/alertmanager/cmd/amtool",
      version: "0.31.1",
      ldflags: versioned("0.31.1"),
      gcflags: unoptimised,
      coldBuildSeconds: 30,
    },
  },
  postgres_exporter: {
    name: "postgres_exporter",
    why: "Turns PostgreSQL's statistics into metrics on each database host.",
    minimum: {
      version: "0.17.0",
      why: "the collector stat_checkpointer, wait events of sessions and the age of the last replay came with 0.17, and the oldest transaction's age was wrong before",
    },
    runsOnGuests: true,
    versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\.\d+\S*)/ },
    vendor: prometheusDownload("prometheus-community/postgres_exporter", "0.17.1"),
    debianPackage: "prometheus-postgres-exporter",
    go: {
      module: "postgres_exporter",
      package: "github.com/prometheus-community/postgres_exporter/cmd/postgres_exporter",
      version: "0.17.1",
      ldflags: versioned("0.17.1"),
      gcflags: unoptimised,
      coldBuildSeconds: 25,
    },
  },
  node_exporter: {
    name: "node_exporter",
    why: "Turns the kernel's statistics and the backup runtime's textfiles into metrics on each guest.",
    minimum: {
      version: "1.5.0",
      why: "the oldest whose metric names the rules and dashboards were checked against",
    },
    runsOnGuests: true,
    versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\.\d+\S*)/ },
    vendor: prometheusDownload("prometheus/node_exporter", "1.12.1"),
    debianPackage: "prometheus-node-exporter",
    go: {
      module: "node_exporter",
      package: "github.com/prometheus/node_exporter",
      version: "1.12.1",
      ldflags: versioned("1.12.1"),
      gcflags: unoptimised,
      coldBuildSeconds: 20,
    },
  },
} satisfies Record<string, Tool>;

/** The whole CLI with its language hosts, in the version of the SDK in package.json. */
function pulumiDownload(): VendorDownload {
  const version = "3.270.0";
  const base = "https://get.pulumi.com/releases/sdk";
  return {
    bundle: "pulumi-cli",
    version,
    archiveUrl: (architecture) => `${base}/pulumi-v${version}-linux-${architecture}.tar.gz`,
    checksumsUrl: `${base}/pulumi-${version}-checksums.txt`,
  };
}

/** The Prometheus projects publish all their releases in one form. */
function prometheusDownload(repository: string, version: string): VendorDownload {
  const name = repository.replace(/^.*\//, "");
  const base = `https://github.com/${repository}/releases/download/v${version}`;
  return {
    bundle: `${name}-release`,
    version,
    archiveUrl: (architecture) =>
      `${base}/${name}-${version}.linux-${architecture === "x64" ? "amd64" : architecture}.tar.gz`,
    checksumsUrl: `${base}/sha256sums.txt`,
  };
}

function versioned(version: string): string {
  return `-s -w -X github.com/prometheus/common/version.Version=${version}`;
}
