import { expect, test } from "vitest";
import { limitConcurrency } from "./queue.ts";

test("runs no more than the limit and the most urgent first", async () => {
  const inTurn = limitConcurrency(2);
  const started: number[] = [];
  let running = 0;
  let most = 0;
  const job = (priority: number) =>
    inTurn(priority, async () => {
      started.push(priority);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
    });
  await Promise.all([1, 5, 3, 4].map(job));
  expect(started).toEqual([5, 4, 3, 1]);
  expect(most).toBe(2);
});

test("a failing job makes room for the next", async () => {
  const inTurn = limitConcurrency(1);
  const failing = inTurn(2, () => Promise.reject(new Error("broken")));
  const next = inTurn(1, async () => "next");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("next");
});
