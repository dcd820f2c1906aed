/**
 * Writes what live exporters show into `alert-rules/metrics/`: `node test/metrics/capture.ts WHAT...`, see
 * CONTRIBUTING.md.
 */
import { captureLab } from "./capture-lab.ts";
import { captureMysql } from "./capture-mysql.ts";
import { capturePostgres } from "./capture-postgres.ts";

const captures = { postgres: capturePostgres, lab: captureLab, mysql: captureMysql };
const known = Object.keys(captures) as (keyof typeof captures)[];
const asked = process.argv.slice(2);

for (const word of asked.length > 0 ? asked : [""]) {
  const name = known.find((each) => each === word);
  if (name === undefined) {
    console.error(`usage: node test/metrics/capture.ts ${known.join("|")} ...`);
    process.exit(2);
  }
  await captures[name]();
}
