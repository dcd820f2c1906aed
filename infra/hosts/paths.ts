/** Programs that no package brings. */
export const programDirectory = "/opt/lab/bin";

/** Where programs of ours leave metrics for node_exporter. Members of the group `metrics` may write. */
export const textfileDirectory = "/var/lib/node_exporter/textfile";
