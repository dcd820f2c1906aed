const digest = "0".repeat(64);
const artifact = (name: string) => ({ version: "1", url: `http://10.213.7.1:8080/${name}`, sha256: digest });

/** What a machine tells the rehearsal stack, for tests that need no machine. */
export const machineExample = {
  network: "10.213.7",
  image: { url: "http://10.213.7.1:8080/debian-12.raw", sha256: digest },
  binaries: {
    node: artifact("node"),
    prometheus: artifact("prometheus"),
    alertmanager: artifact("alertmanager"),
    nodeExporter: artifact("node_exporter"),
    postgresExporter: artifact("postgres_exporter"),
  },
  smarthost: "10.213.7.1:2525",
  webhookUrl: "http://10.213.7.1:8081/alerts",
  pbs: { address: "10.213.7.1", port: 8007 },
};
