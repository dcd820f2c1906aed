import { main } from "../../provider/server.ts";
import { provider } from "./provider.ts";

await main(provider);
