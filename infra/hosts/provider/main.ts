import { main } from "../../provider/plugin.ts";
import { provider } from "./provider.ts";

await main(provider);
