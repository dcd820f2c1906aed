import type { Guest, Site } from "../site.ts";
import type { AptSource } from "./cloud-init.ts";

/**
 * The PostgreSQL project's archive. Debian and Ubuntu ship its key in the package postgresql-common, as
 * /usr/share/postgresql-common/pgdg/apt.postgresql.org.asc: there the fingerprint can be compared.
 */
const pgdg: AptSource = {
  source: "deb [signed-by=$KEY_FILE] https://apt.postgresql.org/pub/repos/apt $RELEASE-pgdg main",
  keyid: "B97B0AFCAA1A47F044F244A07FCC7D46ACCC4CF8",
};

/**
 * Grafana's archive. The key is the one of August 2023, when the one before it had leaked; its end was moved to 2027
 * under the same fingerprint, which dozens of public configurations pin.
 */
const grafana: AptSource = {
  source: "deb [signed-by=$KEY_FILE] https://apt.grafana.com stable main",
  keyid: "B53AE77BADB630A683046005963FA27710458545",
};

/** The package sources that a guest's roles need besides the distribution's. */
export function aptSources(
  { databases, monitoring }: Site,
  guest: Guest,
): Readonly<Record<string, AptSource>> {
  const fromProject = databases.postgres.some(
    ({ packages, primary, standbys }) => packages === "pgdg" && [primary, ...standbys].includes(guest.name),
  );
  return {
    ...(fromProject ? { "pgdg.list": pgdg } : {}),
    ...(monitoring.grafana.install && monitoring.host === guest.name ? { "grafana.list": grafana } : {}),
  };
}
