/** A generated table: SQL that makes it, and SQL that fills it deterministically. */
export interface Dataset {
  readonly database: string;
  readonly sql: string;
}

/** Size of a galaxy with its indexes, measured on PostgreSQL 15 over 300,000 rows, in bytes. */
const bytesPerGalaxy = 241;

/** What the three databases take before there is a galaxy in them, measured on PostgreSQL 15, in MiB. */
const emptyMib = 23;

/** Galaxies of the second catalogue for each of the first. */
const secondShare = 0.9;

/**
 * A DESI-like data set for the three databases: voids, galaxies with the two indexes that the lab's queries rely on,
 * and the template. Every value follows from the row's number, so that two runs hold the same data, byte for byte in
 * what a checksum over the rows sees.
 * @param sizeMib size of all databases together, about; the share of each follows the real lab's
 */
export function datasets(sizeMib: number): readonly Dataset[] {
  const bytes = (sizeMib - emptyMib) * 1024 * 1024;
  const galaxies = Math.max(1000, Math.floor(bytes / bytesPerGalaxy / (1 + secondShare)));
  return [
    { database: "desi_void_fastspecfit", sql: rawCatalogs(galaxies, 1) },
    {
      database: "desi_void_desivast",
      sql: `${rawCatalogs(Math.floor(galaxies * secondShare), 2)}${voids(5000)}`,
    },
    { database: "template_desi", sql: rawCatalogs(1000, 3) },
  ];
}

function rawCatalogs(rows: number, seed: number): string {
  return `
BEGIN;
CREATE SCHEMA raw_catalogs;
CREATE TABLE raw_catalogs.galaxies (
  target_id bigint PRIMARY KEY,
  ra_deg double precision NOT NULL CHECK (ra_deg >= 0 AND ra_deg < 360),
  dec_deg double precision NOT NULL CHECK (dec_deg BETWEEN -90 AND 90),
  redshift double precision NOT NULL,
  stellar_mass_log10_msun real NOT NULL,
  sfr_log10_msun_per_year real,
  survey text NOT NULL,
  fit_flags integer NOT NULL,
  spectrum_sha256 text NOT NULL
);
INSERT INTO raw_catalogs.galaxies
SELECT
  39627000000000 + i,
  360 * ${unit("i", seed)},
  degrees(asin(2 * ${unit("i", seed + 10)} - 1)),
  0.01 + 0.59 * ${unit("i", seed + 20)},
  8 + 4 * ${unit("i", seed + 30)},
  CASE WHEN i % 17 = 0 THEN NULL ELSE -3 + 5 * ${unit("i", seed + 40)} END,
  (ARRAY['BGS_BRIGHT', 'BGS_FAINT', 'LRG', 'ELG'])[1 + i % 4],
  (hashint8extended(i, ${seed + 50}) & 65535)::integer,
  md5(i::text || ':${seed}') || md5('${seed}:' || i::text)
FROM generate_series(1, ${rows}) AS i;
CREATE INDEX idx_galaxies_spatial_btree ON raw_catalogs.galaxies (ra_deg, dec_deg, redshift);
CREATE INDEX idx_galaxies_mass_sfr_composite
  ON raw_catalogs.galaxies (stellar_mass_log10_msun, sfr_log10_msun_per_year);
COMMIT;
ANALYZE raw_catalogs.galaxies;
`;
}

function voids(rows: number): string {
  return `
BEGIN;
CREATE TABLE raw_catalogs.voids (
  void_id integer PRIMARY KEY,
  center_ra_deg double precision NOT NULL,
  center_dec_deg double precision NOT NULL,
  redshift double precision NOT NULL,
  effective_radius_mpc real NOT NULL,
  algorithm text NOT NULL
);
INSERT INTO raw_catalogs.voids
SELECT i, 360 * ${unit("i", 5)}, degrees(asin(2 * ${unit("i", 15)} - 1)), 0.01 + 0.24 * ${unit("i", 25)},
  10 + 30 * ${unit("i", 35)}, (ARRAY['VoidFinder', 'V2/REVOLVER', 'V2/VIDE'])[1 + i % 3]
FROM generate_series(1, ${rows}) AS i;
COMMIT;
ANALYZE raw_catalogs.voids;
`;
}

/** A number in [0, 1) that follows from `row` and `seed` alone. */
function unit(row: string, seed: number): string {
  return `((hashint8extended(${row}, ${seed}) & 9007199254740991) / 9007199254740992.0)`;
}
