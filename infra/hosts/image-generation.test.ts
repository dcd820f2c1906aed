import { expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { parseSite } from "../site.ts";

/** The lab's site with one value changed, as somebody might write it who does not heed the types. */
function siteWith(change: (site: { proxmox: object; guests: object[] }) => void): () => unknown {
  const site = structuredClone(lab());
  change(site);
  return () => parseSite(site);
}

it("refuses a node that makes no guest at all", () => {
  const wrong = siteWith(({ proxmox }) => Object.assign(proxmox, { parallelCreatesPerNode: 0 }));
  expect(wrong).toThrow(/proxmox\.parallelCreatesPerNode: 0: .*; allowed: /);
});

it("refuses a generation that is no number", () => {
  const wrong = siteWith(({ guests }) => Object.assign(guests[0] ?? {}, { imageGeneration: "new" }));
  expect(wrong).toThrow(/guests\[0\]\.imageGeneration: "new": /);
});
