import { pbs } from "../provider.ts";
import { schemaText } from "./schema.ts";

// Packing writes it beside the bundle.
process.stdout.write(`${await schemaText(pbs)}\n`);
