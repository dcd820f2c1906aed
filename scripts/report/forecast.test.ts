import fc from "fast-check";
import { expect, test } from "vitest";
import { daysUntil, forecast } from "./forecast.ts";

const day = 86_400;

test("a straight line goes on, without any doubt", () => {
  const points = [0, 1, 2, 3].map((index) => ({ seconds: index * day, value: 100 + 10 * index }));
  const found = forecast(points, 3 * day);
  expect(found).toMatchObject({ points: 4, fit: 1 });
  expect(found?.perDay).toBeCloseTo(10);
  expect(found?.expected[0]?.value).toBeCloseTo(430);
  expect(found?.expected[0]?.high).toBeCloseTo(430);
  expect(daysUntil(points, 430, 3 * day)).toBeCloseTo(30);
  expect(daysUntil(points, 50, 3 * day)).toBe(0);
});

test("the interval is the one of the textbook", () => {
  // x = 0..4, y = 1, 3, 2, 5, 4: slope 0.8, s = 1.0954; at x = 34: 28.6 ± 3.182 · s · √(1 + 1/5 + 32²/10).
  const points = [1, 3, 2, 5, 4].map((value, index) => ({ seconds: index * day, value }));
  const [first] = forecast(points, 4 * day)?.expected ?? [];
  expect(first?.value).toBeCloseTo(28.6);
  expect((first?.high ?? 0) - (first?.value ?? 0)).toBeCloseTo(
    3.182 * Math.sqrt(1.2) * Math.sqrt(1.2 + 102.4),
    3,
  );
});

test("too little is known of two sizes, or of one day", () => {
  expect(
    forecast(
      [0, day].map((seconds) => ({ seconds, value: 1 })),
      day,
    ),
  ).toBeUndefined();
  expect(
    forecast(
      [0, 1, 2].map((seconds) => ({ seconds, value: 1 })),
      day,
    ),
  ).toBeUndefined();
});

test("bounds hold the value, are never negative, and what shrinks never fills a disk", () => {
  const series = fc.array(fc.nat(1e9), { minLength: 3, maxLength: 40 });
  fc.assert(
    fc.property(series, (values) => {
      const points = values.map((value, index) => ({ seconds: index * day, value }));
      const found = forecast(points, values.length * day);
      for (const { value, low, high } of found?.expected ?? []) {
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(value);
        expect(value).toBeLessThanOrEqual(high);
      }
      if (found !== undefined && found.perDay < 0)
        expect([0, null]).toContain(daysUntil(points, 2e9, values.length * day));
    }),
  );
});
