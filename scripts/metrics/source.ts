import type { Context } from "../context.ts";
import type { Family } from "./family.ts";

/**
 * What one area adds to the metrics. `read` is called after every recorded command, so it is cheap, changes nothing
 * and takes no lock. An area keeps the decision in a pure function from what it knows to families.
 */
export interface MetricsSource {
  /**
   * Families that stay as they were in the file where `read` fails, so that they age instead of vanishing; the
   * samples of its others vanish then.
   */
  ageing: readonly string[];
  read(context: Context): Promise<Family[]>;
}
