import { type Contribution, plainFile } from "./contribution.ts";
import { textfileDirectory } from "./paths.ts";
import { authorityPath, tlsDirectory } from "./tls.ts";
import { hardened, renderUnit } from "./unit.ts";

/** A service of a host that shows a certificate to whoever connects. */
export interface TlsService {
  /** What its files in the host's certificate folder are called. */
  readonly name: string;
  readonly port: number;
  /** Where TLS begins only after a word in the protocol's own language. */
  readonly startTls?: "postgres";
}

const program = "/usr/local/lib/lab/certificate-metrics";

/**
 * Tells Prometheus, from the files on the host and not from what Pulumi believes, when certificates end, and whether
 * each service shows the one that it was given: a renewal that nobody took up is as bad as none.
 */
export function certificateMetrics(services: readonly TlsService[]): Contribution {
  return {
    packages: ["openssl"],
    files: [
      {
        ...plainFile(program, certificateMetricsScript(services)),
        mode: "0755",
      },
    ],
    units: [
      {
        name: "lab-certificate-metrics.service",
        content: renderUnit({
          Unit: { Description: "Write down when certificates end and whether they are in use" },
          Service: {
            Type: "oneshot",
            User: "metrics",
            ExecStart: `${program} ${tlsDirectory} ${textfileDirectory}/certificates.prom`,
            ReadWritePaths: textfileDirectory,
            UMask: "0022",
            ...hardened,
          },
        }),
        enabled: false,
        state: "none",
      },
      {
        name: "lab-certificate-metrics.timer",
        content: renderUnit({
          Unit: { Description: "Hourly look at this host's certificates" },
          Timer: { OnBootSec: "1min", OnUnitActiveSec: "1h" },
          Install: { WantedBy: "timers.target" },
        }),
      },
    ],
  };
}

/** The script; its arguments are the folder of the certificates and the file to write. */
export function certificateMetricsScript(services: readonly TlsService[]): string {
  const authorities = authorityPath.slice(tlsDirectory.length + 1);
  return `#!/bin/sh
set -eu
directory=$1
target=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ends() {
  date --utc --date "$(openssl x509 -in "$1" -noout -enddate | cut -d = -f 2)" +%s
}

fingerprint() {
  openssl x509 -noout -fingerprint -sha256 2> /dev/null
}

# Says nothing of a service that does not answer: that it is down is another alert.
served() {
  shown=$(timeout 10 openssl s_client -connect "127.0.0.1:$2" \${3:+-starttls "$3"} < /dev/null 2> /dev/null | fingerprint) || return 0
  [ "$shown" = "$(fingerprint < "$directory/$1.pem")" ] && same=1 || same=0
  printf 'lab_certificate_is_served{service="%s"} %s\\n' "$1" "$same"
}

{
  echo '# HELP lab_certificate_not_after_timestamp_seconds When a certificate on this host ends.'
  echo '# TYPE lab_certificate_not_after_timestamp_seconds gauge'
  for file in "$directory"/*.pem; do
    service=$(basename "$file" .pem)
    [ "$service.pem" = ${authorities} ] ||
      printf 'lab_certificate_not_after_timestamp_seconds{service="%s"} %s\\n' "$service" "$(ends "$file")"
  done
  echo '# HELP lab_authority_not_after_timestamp_seconds When an authority that this host trusts ends.'
  echo '# TYPE lab_authority_not_after_timestamp_seconds gauge'
  awk -v work="$work" '/BEGIN CERTIFICATE/ { n++ } { print > (work "/" n ".pem") }' "$directory/${authorities}"
  for file in "$work"/*.pem; do
    authority=$(openssl x509 -in "$file" -noout -subject -nameopt multiline | sed -n 's/^ *commonName *= //p')
    printf 'lab_authority_not_after_timestamp_seconds{authority="%s"} %s\\n' "$authority" "$(ends "$file")"
  done
  echo '# HELP lab_certificate_is_served Whether a service shows the certificate that it was given.'
  echo '# TYPE lab_certificate_is_served gauge'
${services.map(({ name, port, startTls }) => `  served ${[name, port, startTls ?? ""].join(" ").trim()}\n`).join("")}\
  echo '# HELP lab_certificates_checked_timestamp_seconds When all of this was looked at.'
  echo '# TYPE lab_certificates_checked_timestamp_seconds gauge'
  printf 'lab_certificates_checked_timestamp_seconds %s\\n' "$(date +%s)"
} > "$work/metrics"
cp "$work/metrics" "$target.new"
mv "$target.new" "$target"
`;
}
