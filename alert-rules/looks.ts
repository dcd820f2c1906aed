/**
 * Four looks at the last day of series, told apart by the label `ago`: of many series for each host, reading all samples
 * of a day would take seconds.
 */
export function looksAtLastDay(series: string): string {
  return ["10m", "1h", "6h", "1d"]
    .map((ago) => `label_replace(${series} offset ${ago}, "ago", "${ago}", "", "")`)
    .join(" or ");
}
