import { expect, it } from "vitest";
import { roundsOf } from "./rounds.ts";

it("begins each round with another one, and leaves out who has had enough", () => {
  const [a, b, c] = [
    { way: "a", rounds: 3 },
    { way: "b", rounds: 3 },
    { way: "c", rounds: 1 },
  ];
  const names = roundsOf([a, b, c]).map((round) => round.map(({ way }) => way).join(""));
  expect(names).toEqual(["abc", "ba", "ab"]);
});
