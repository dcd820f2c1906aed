import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parseSite } from "../infra/site.ts";

const page = await readFile(new URL("site.md", import.meta.url), "utf8");

/** Keys below these are names that a site chooses itself. */
const chosenNames = new Set([
  "networks",
  "images",
  "objectives",
  "datastores",
  "retentions",
  "policies",
  "timeIntervals",
]);

test("the sections of the guide make a valid site", async () => {
  expect(parseSite(await siteOfPage()).name).toBe("lab");
});

test("every property of a site is explained", async () => {
  const explained = new Set(
    [...page.matchAll(/`([^`\n]+)`/g)].flatMap(([, code = ""]) => code.split(/[^\w]+/)),
  );
  const missing = [...propertiesOf(parseSite(await siteOfPage()))].filter((name) => !explained.has(name));
  expect(missing).toEqual([]);
});

/** The examples are properties of one object, section after section. */
async function siteOfPage(): Promise<unknown> {
  const examples = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  const source = `export default {\n${examples.join("\n")}\n}`;
  const module: { default: unknown } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
  return module.default;
}

function propertiesOf(value: unknown, isChosen = false): Set<string> {
  if (typeof value !== "object" || value === null) return new Set();
  const entries = Object.entries(value);
  const own = Array.isArray(value) || isChosen ? [] : entries.map(([name]) => name);
  return new Set([
    ...own,
    ...entries.flatMap(([name, child]) => [...propertiesOf(child, !isChosen && isNamed(name, child))]),
  ]);
}

/** `proxmox.storage.images` is a word, not a section. */
function isNamed(name: string, child: unknown): boolean {
  return chosenNames.has(name) && typeof child === "object" && !Array.isArray(child);
}
