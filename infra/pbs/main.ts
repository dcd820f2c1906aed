#!/usr/bin/env node
import { main } from "../provider/plugin.ts";
import { pbs } from "./provider.ts";

await main(pbs);
