import type { MaintainConfig } from "./config.ts";

/** What the server knows about a table. */
export interface TableState {
  schema: string;
  name: string;
  /** A parent of partitions, which has statistics but no rows of its own. */
  isPartitioned: boolean;
  liveRows: number;
  deadRows: number;
  /** Since the last ANALYZE. */
  changedRows: number;
  everAnalyzed: boolean;
  /** In transactions, also of its TOAST table. */
  age: number;
  mayMaintain: boolean;
}

/** What the server knows about an index. */
export interface IndexState {
  schema: string;
  name: string;
  bytes: number;
  /** `null` where it is not known. */
  bloatBytes: number | null;
  mayReindex: boolean;
}

/** Why a table needs a VACUUM; `undefined` where it does not. A need to freeze is told apart by `freeze`. */
export function vacuumNeed(
  { isPartitioned, liveRows, deadRows, age }: TableState,
  config: MaintainConfig,
): { why: string; freeze: boolean } | undefined {
  if (isPartitioned) return undefined;
  if (age >= config.freezeAgeTransactions) {
    return { why: `its oldest row is ${age} transactions old`, freeze: true };
  }
  const share = deadRows / Math.max(1, liveRows + deadRows);
  if (deadRows < Math.max(1, config.deadRowMinimum) || share < config.deadRowShare) return undefined;
  return { why: `${deadRows} dead rows (${percent(share)})`, freeze: false };
}

/** Why a table needs an ANALYZE; `undefined` where it does not. */
export function analyzeNeed(
  { isPartitioned, liveRows, changedRows, everAnalyzed }: TableState,
  config: MaintainConfig,
): string | undefined {
  if (!everAnalyzed && (isPartitioned || liveRows >= Math.max(1, config.changedRowMinimum))) {
    return "was never analyzed";
  }
  const share = changedRows / Math.max(1, liveRows);
  if (changedRows < Math.max(1, config.changedRowMinimum) || share < config.changedRowShare) return undefined;
  return `${changedRows} rows changed (${percent(Math.min(1, share))})`;
}

/** Why an index is to be built anew; `undefined` where it is not, or where its bloat is not known. */
export function reindexNeed({ bytes, bloatBytes }: IndexState, config: MaintainConfig): string | undefined {
  if (bloatBytes === null || bytes === 0) return undefined;
  const share = bloatBytes / bytes;
  if (bloatBytes < config.indexBloatMinimumBytes || share < config.indexBloatShare) return undefined;
  return `${percent(share)} of it is bloat`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
