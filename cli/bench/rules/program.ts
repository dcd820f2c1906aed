import { catalogue, type Tool } from "../../../tools/catalogue.ts";
import { ensureTools, type ToolProgress } from "../../../tools/find.ts";

/**
 * Prometheus as its vendor builds it. The one that the rehearsal builds for itself, where it cannot be downloaded, is
 * not optimised and takes several times as long to evaluate a rule: here it is built anew, once, in some minutes.
 */
export async function optimisedPrometheus(
  onProgress: (progress: ToolProgress) => void,
): Promise<{ readonly path: string; readonly version: string }> {
  const { gcflags: _, ...go } = catalogue.prometheus.go;
  const prometheus: Tool = { ...catalogue.prometheus, go };
  const found = await ensureTools(["prometheus"], { catalogue: { ...catalogue, prometheus }, onProgress });
  const tool = found.get("prometheus");
  if (!tool) throw new Error("Prometheus was promised and is not there");
  return tool;
}
