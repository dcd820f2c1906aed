import { pbs } from "../provider.ts";
import { generateSchema } from "./generate.ts";

// Packing writes it beside the bundle.
process.stdout.write(`${await generateSchema(pbs)}\n`);
