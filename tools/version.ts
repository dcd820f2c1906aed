/**
 * Compares dotted versions by their numbers: negative when `left` is older, 0 when equal, positive when newer.
 * Missing parts count as 0 ("1.2" equals "1.2.0"); a pre-release ("1.2.0-rc.1", "1.2.0~rc1") is older than its
 * release; build metadata after "+" does not count.
 */
export function compareVersions(left: string, right: string): number {
  const a = parse(left);
  const b = parse(right);
  for (let index = 0; index < Math.max(a.numbers.length, b.numbers.length); index++) {
    const difference = (a.numbers[index] ?? 0) - (b.numbers[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (a.preRelease === b.preRelease) return 0;
  if (a.preRelease === "") return 1;
  if (b.preRelease === "") return -1;
  return a.preRelease.localeCompare(b.preRelease, "en", { numeric: true });
}

/** Whether `version` is `minimum` or newer; false for a text that is no version. */
export function isAtLeast(version: string, minimum: string): boolean {
  return /^v?\d/.test(version) && compareVersions(version, minimum) >= 0;
}

/** The upstream part of a Debian version: "1:4.5.1-1+deb12u2" is "4.5.1", "2.42.0+ds-5+b5" is "2.42.0". */
export function upstreamVersion(debianVersion: string): string {
  const withoutEpoch = debianVersion.replace(/^\d+:/, "");
  return withoutEpoch.replace(/-[^-]*$/, "").replace(/\+.*$/, "");
}

function parse(version: string): { numbers: number[]; preRelease: string } {
  const [, numbers = "", preRelease = ""] = /^v?(\d+(?:\.\d+)*)(?:[-~]([^+]*))?/.exec(version.trim()) ?? [];
  return { numbers: numbers.split(".").map(Number), preRelease };
}
