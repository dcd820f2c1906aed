import { datasets } from "../../../rehearsal/dataset/dataset.ts";
import type { TestCluster } from "../../../scripts/testing/cluster.ts";

/** Data of one kind, on which every way of dumping is measured. */
export interface Scenario {
  readonly name: string;
  /** About how much the databases hold together. */
  readonly sizeMib: number;
  fill(cluster: TestCluster): Promise<readonly string[]>;
}

/** The lab's own databases: two large ones that differ, and a small one. */
export function labScenario(sizeMib: number): Scenario {
  return {
    name: `lab, ${sizeMib} MiB`,
    sizeMib,
    async fill(cluster) {
      const sets = datasets(sizeMib);
      for (const { database, sql } of sets) {
        await cluster.sql(`create database ${database}`);
        await cluster.sql(`set synchronous_commit = off; ${sql}`, database);
      }
      return sets.map(({ database }) => database);
    },
  };
}

/** As many databases as a hosting cluster has, with next to nothing in each. */
export function manyScenario(count: number): Scenario {
  return {
    name: `${count} small databases`,
    sizeMib: 8 * count,
    async fill(cluster) {
      const names = Array.from({ length: count }, (_, index) => `small${index}`);
      await cluster.sql("create database small_template");
      await cluster.sql(
        "create table note (id int primary key, text text); insert into note select i, md5(i::text) from generate_series(1, 100) i",
        "small_template",
      );
      for (const name of names) await cluster.sql(`create database ${name} template small_template`);
      await cluster.sql("drop database small_template");
      return names;
    },
  };
}

/** One table that holds everything: nothing can be done at once but within it. */
export function oneTableScenario(sizeMib: number): Scenario {
  // Measured on PostgreSQL 15: a row of these takes 105 bytes.
  const rows = Math.floor((sizeMib * 1024 * 1024) / 105);
  return {
    name: `one table, ${sizeMib} MiB`,
    sizeMib,
    async fill(cluster) {
      await cluster.sql("create database big");
      await cluster.sql(
        `set synchronous_commit = off;
         create table sample as select i as id, md5(i::text) || md5((i / 7)::text) as digest from generate_series(1, ${rows}) i`,
        "big",
      );
      return ["big"];
    },
  };
}
