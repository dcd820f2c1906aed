import { valueProblems } from "./api-check.ts";
import { type Described, describedSchema } from "./api-description.ts";

/** Texts of many kinds, of which each format refuses some. */
const texts: readonly string[] = [
  ...["", " ", "a b", "a\nb", "ä", "-x", "x-", ".x", "_x", "1x", "aa", "A", "<x>", "'", "%", "*"],
  ...["a/b", "../x", "/", "a,b", "a;b", "a=b", "a:b", "a@b", "a!b", "a@b!c", "unknown=1", "vm/100"],
  ...["0", "1", "-1", "1.5", "99999999999", "100G", "1 GiB", "true", "null", "2026-01-01", "24:00", "daily"],
  ...["10.0.0.1", "10.0.0.300", "10.0.0.1/24", "10.0.0.300/24", "http://x", "root@pam", "root", "local:8"],
  ...[33, 65, 129, 5000].map((length) => "a".repeat(length)),
];

/** What is tried as each property of a text of properties. */
const values: readonly string[] = ["no such", "-1", "9".repeat(130)];

/** Texts that a product refuses for a parameter, by its description. */
export function refusedTexts(described: Described): string[] {
  const isRefused = (text: string) => valueProblems("it", described, text, "client").length > 0;
  return [...texts, ...propertyTexts(described)].filter(isRefused);
}

/** What is required, each time with one property more. */
function propertyTexts({ format }: Described): string[] {
  if (typeof format !== "object") return [];
  const listed = typeof format.type === "string" ? format.properties : format;
  const properties = Object.entries(listed ?? {}).flatMap(([name, value]) => {
    const described = describedSchema.parse(value);
    return "alias" in described ? [] : [{ name, described }];
  });
  const required = properties
    .filter(({ described }) => !described.optional)
    .map(({ name, described }) => [name, sampleOf(described)] as const);
  const withMore = (name: string, value: string) =>
    [...required.filter(([other]) => other !== name), [name, value] as const]
      .map((pair) => pair.join("="))
      .join(",");
  return [
    withMore("unknown", "1"),
    ...properties.flatMap(({ name }) => values.map((value) => withMore(name, value))),
  ];
}

function sampleOf(described: Described): string {
  const tried = [...(described.enum ?? []).map(String), ...texts];
  const sample = tried.find(
    (text) => text.trim() !== "" && valueProblems("it", described, text, "client").length === 0,
  );
  if (sample === undefined) throw new Error(`no sample fits ${JSON.stringify(described)}`);
  return sample;
}
