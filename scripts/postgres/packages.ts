/** Extensions that come with the server's own package since PostgreSQL 13, by that of Debian. */
const contrib = new Set(
  `adminpack amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw
  fuzzystrmatch hstore insert_username intagg intarray isn lo ltree moddatetime old_snapshot pageinspect pg_buffercache
  pg_freespacemap pg_logicalinspect pg_prewarm pg_stat_statements pg_surgery pg_trgm pg_visibility pg_walinspect pgcrypto
  pgrowlocks pgstattuple plpgsql postgres_fdw refint seg sslinfo tablefunc tcn tsm_system_rows tsm_system_time unaccent
  uuid-ossp xml2`.split(/\s+/),
);

/** Packages that are not called like what they bring. */
const irregular: Readonly<Record<string, string>> = {
  pg_cron: "cron",
  pg_partman: "partman",
  pg_repack: "repack",
  pg_sphere: "pgsphere",
  vector: "pgvector",
};

/**
 * The package of Debian, Ubuntu and the PostgreSQL project's archive that brings an extension for a server's major
 * version; where nothing better is known, the name that such packages usually have.
 */
export function packageOf(extension: string, major: number): string {
  if (contrib.has(extension)) return `postgresql-${major}`;
  const language = /(?:^|_)(plperl|plpython3|pltcl)u?$/.exec(extension)?.[1];
  if (language !== undefined) return `postgresql-${language}-${major}`;
  if (/^(?:postgis|address_standardizer)/.test(extension)) return `postgresql-${major}-postgis-3`;
  return `postgresql-${major}-${irregular[extension] ?? extension.replaceAll("_", "-")}`;
}
