import fc from "fast-check";
import { expect, test } from "vitest";
import { findGaps, parseSegment, segmentName } from "./segments.ts";

const segmentBytes = 16 * 1024 ** 2;
const name = (number: number, timeline = 1) => segmentName({ timeline, number }, segmentBytes);

test("a segment's name is read as it is written, whatever the size of segments", () => {
  fc.assert(
    fc.property(
      fc.nat(1000),
      fc.nat(100_000),
      fc.integer({ min: 20, max: 30 }),
      (timeline, number, power) => {
        const text = segmentName({ timeline, number }, 2 ** power);
        expect(parseSegment(text, 2 ** power)).toEqual({ timeline, number });
      },
    ),
  );
  expect(name(256)).toBe("000000010000000100000000");
  expect(parseSegment("00000002.history", segmentBytes)).toBeUndefined();
});

test("exactly the segments that are missing are found, whichever they are", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 250, max: 280 })), (missing) => {
      const all = Array.from({ length: 31 }, (_, index) => 250 + index);
      const gaps = findGaps({
        present: all.filter((number) => !missing.includes(number)).map((number) => name(number)),
        needed: [name(250)],
        current: name(281),
        waiting: [],
        segmentBytes,
      });
      expect(gaps.reduce((sum, { segments }) => sum + segments, 0)).toBe(missing.length);
      expect(gaps.every((gap) => gap.class === "MISSING_LOST")).toBe(true);
      for (const number of missing)
        expect(gaps.some(({ first, last }) => first <= name(number) && name(number) <= last)).toBe(true);
    }),
  );
});

test("what the server still has is late, not lost, and a timeline ends where the next one begins", () => {
  const input = { needed: [name(3)], current: name(9, 2), segmentBytes };
  const present = [name(3), name(5), name(6, 2)];
  const gaps = findGaps({ ...input, present, waiting: [name(7, 2), name(8, 2)] });
  expect(gaps.map(({ timeline, first, class: of }) => [timeline, first, of])).toEqual([
    [1, name(4), "MISSING_LOST"],
    [2, name(7, 2), "MISSING_UPLOADING"],
    [2, name(8, 2), "MISSING_DELAYED"],
  ]);
});

test("WAL from before the oldest backup is not missed", () => {
  expect(
    findGaps({ present: [name(1), name(7)], needed: [name(7)], current: name(8), waiting: [], segmentBytes }),
  ).toEqual([]);
});
