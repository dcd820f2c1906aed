import { expect, it } from "vitest";
import { datasets } from "./dataset.ts";

const galaxies = (sizeMib: number) =>
  datasets(sizeMib).map(({ sql }) => Number(/galaxies[\s\S]*?generate_series\(1, (\d+)\)/.exec(sql)?.[1]));

it("is the same SQL every time", () => {
  expect(datasets(50)).toEqual(datasets(50));
});

it("grows with the size that is asked for, and never below what a query needs", () => {
  const [small = 0, large = 0] = [galaxies(50)[0], galaxies(500)[0]];
  expect(large).toBeGreaterThan(10 * small);
  expect(galaxies(1)[0]).toBe(1000);
});

it("holds both indexes that the lab's queries rely on in every database", () => {
  for (const { sql } of datasets(10)) {
    expect(sql).toContain("INDEX idx_galaxies_spatial_btree ON raw_catalogs.galaxies");
    expect(sql).toContain("INDEX idx_galaxies_mass_sfr_composite");
  }
});
