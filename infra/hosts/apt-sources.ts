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

/** The package sources that a guest's roles need besides the distribution's. */
export function aptSources({ databases }: Site, guest: Guest): Readonly<Record<string, AptSource>> {
  const fromProject = databases.postgres.some(
    ({ packages, primary, standbys }) => packages === "pgdg" && [primary, ...standbys].includes(guest.name),
  );
  return fromProject ? { "pgdg.list": pgdg } : {};
}
