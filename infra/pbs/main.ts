#!/usr/bin/env node
import { main } from "../provider/server.ts";
import { pbs } from "./provider.ts";

await main(pbs);
