import { expect, it } from "vitest";
import { newestGood } from "./vm-backups.ts";

it("takes the newest backup of a guest that did not fail its verification", () => {
  const items = [
    { vmid: 100, ctime: 10, verification: { state: "ok" } },
    { vmid: 100, ctime: 30, verification: { state: "failed" } },
    { vmid: 100, ctime: 20 },
    { vmid: 200, ctime: 5, verification: { state: "failed" } },
  ];
  expect(newestGood(items)).toEqual(new Map([[100, 20]]));
});
