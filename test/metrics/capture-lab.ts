import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Family, Source } from "../../alert-rules/metrics/catalogue.ts";
import { nodeCollectorFlags } from "../../alert-rules/metrics/collectors.ts";
import type { GuestPlace } from "../../rehearsal/guests/guest.ts";
import { findInstance } from "../../rehearsal/lab/instance.ts";
import { placeOf } from "../../rehearsal/lab/places.ts";
import { type FoundTool, findTool, type ToolName } from "../../tools/find.ts";
import { outputOf, pagesOf, pagesOfJob } from "./lab-pages.ts";
import { debianProgram } from "./programs.ts";
import { families, writeSource } from "./source-file.ts";

const monitoringVmid = 2010;
const debian = "1.5.0";

/** node_exporter, Prometheus and Alertmanager as they run in the guests of this checkout's lab, which must stand. */
export async function captureLab(): Promise<void> {
  const instance = await findInstance(join(import.meta.dirname, "../.."));
  if (!instance) throw new Error("this checkout has no lab: ./lab up");
  const place = placeOf(instance, monitoringVmid);
  const guests = "guests of the rehearsal";
  const flags = nodeCollectorFlags();
  const pages = await pagesOf(place);
  const capture = async (tool: ToolName, path: string, origin: string, metrics: Record<string, Family>) =>
    writeSource(path, { ...(await headOf(tool)), how: "captured", origin, metrics });

  const node = pagesOfJob(pages, "node");
  // What only a machine of its own lets an unprivileged service see, such as the clock, a guest of this kind hides.
  const unhidden = await startedInside(place, await pathOf("node_exporter"), flags);
  const origin = `${guests}, ${flags.join(" ")}`;
  await capture("node_exporter", "node_exporter.json", origin, anywhere([...node, unhidden]));
  for (const program of ["prometheus", "alertmanager"] as const) {
    await capture(program, `${program}.json`, guests, anywhere(pagesOfJob(pages, program)));
  }
  await using old = await debianProgram("prometheus-node-exporter", "usr/bin/prometheus-node-exporter");
  await writeSource(`versions/node_exporter-${debian}.json`, {
    source: "node_exporter",
    version: debian,
    how: "captured",
    origin: `${guests}, Debian's package, ${flags.join(" ")}`,
    metrics: anywhere([await startedInside(place, old.path, flags)]),
  });
}

async function headOf(tool: ToolName): Promise<Pick<Source, "source" | "version">> {
  return { source: tool, version: (await required(tool)).version };
}

async function pathOf(tool: ToolName): Promise<string> {
  return (await required(tool)).path;
}

async function required(tool: ToolName): Promise<FoundTool> {
  const found = await findTool(tool);
  if (!found) throw new Error(`${tool} is missing; ./lab doctor says how to get it`);
  return found;
}

/** Hosts differ by their hardware, not by a role. */
function anywhere(pages: readonly string[]): Record<string, Family> {
  const found = families(Object.fromEntries(pages.map((page, number) => [String(number), page])));
  return Object.fromEntries(
    Object.entries(found).map(([name, { type, labels }]) => [name, { type, labels }]),
  );
}

/** Runs a program inside the guest for one scrape, on a port that the system chooses. */
async function startedInside(place: GuestPlace, program: string, flags: readonly string[]): Promise<string> {
  const path = "/run/captured-exporter";
  const script = `cat > ${path}
chmod +x ${path}
${path} --web.listen-address=127.0.0.1:0 ${flags.join(" ")} 2> ${path}.log &
trap "kill $!; rm -f ${path} ${path}.log" EXIT
for attempt in $(seq 100); do
  address=$(sed -n 's/.*msg="Listening on" .*address=\\(.*\\)/\\1/p' ${path}.log)
  if [ -n "$address" ]; then break; fi
  sleep 0.1
done
curl --silent --fail "http://$address/metrics"`;
  return await outputOf(place, ["sh", "-c", script], await readFile(program));
}
