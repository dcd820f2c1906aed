import { posix } from "node:path";

export const pathRule =
  "a path is absolute and in its shortest form, for example /etc/prometheus/prometheus.yml";

/** Whether a path on a host is absolute, normal and not the root itself. */
export function isAbsolutePath(path: string): boolean {
  return (
    path.startsWith("/") &&
    !path.startsWith("//") &&
    !path.endsWith("/") &&
    !path.includes("\0") &&
    posix.normalize(path) === path
  );
}

/** The directories above a path, innermost first, without the root. */
export function parentsOf(path: string): string[] {
  const parent = posix.dirname(path);
  return parent === "/" || parent === "." ? [] : [parent, ...parentsOf(parent)];
}
