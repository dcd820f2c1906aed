import { expect, it } from "vitest";
import { uncheckedGroups } from "../../alert-rules/groups.ts";
import { type Alert, areas } from "../../alert-rules/rule.ts";
import { testInventory } from "../../alert-rules/testing/inventory.ts";
import { runbookPages } from "./pages.ts";

it("the index lists every alert's page below its area (write it anew by vitest's option -u)", async () => {
  const pages = await runbookPages();
  const [introduction = ""] = (pages.get("README.md") ?? "").split(/(?<=^## Alerts\n)/m);
  await expect(`${introduction}${index()}`).toMatchFileSnapshot("../../runbooks/README.md");
});

function index(): string {
  const alerts = new Map<string, Alert>();
  for (const rule of uncheckedGroups(testInventory).flatMap(({ rules }) => rules))
    if (rule.kind === "alert") alerts.set(rule.name, rule);
  const sorted = [...alerts.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  return areas
    .map((area) => ({ area, listed: sorted.filter((alert) => alert.area === area) }))
    .filter(({ listed }) => listed.length > 0)
    .map(
      ({ area, listed }) =>
        `\n### ${area[0]?.toUpperCase()}${area.slice(1)}\n\n${listed.map(({ name, summary }) => `- [${name}](${name}.md): ${summary}\n`).join("")}`,
    )
    .join("");
}
