/** `*` stands for any characters, `?` for one (AWS, IAM user guide, "IAM JSON policy elements: Resource"). */
export function wildcard(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s").test(value);
}
