import { expect, it } from "vitest";
import { readRunbooks } from "./pages.ts";

it("every block of every runbook says where it is typed and what it does", async () => {
  const { blocks, problems } = await readRunbooks();
  expect(problems).toEqual([]);
  expect(blocks.length).toBeGreaterThan(0);
});
