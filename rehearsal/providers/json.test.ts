import fc from "fast-check";
import { expect, it } from "vitest";
import { samePolicy } from "./json.ts";

const statement = { Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: "*" };

it("takes policies that only look different for the same", () => {
  const a = JSON.stringify({ Version: "2012-10-17", Statement: [statement] }, null, 2);
  const reordered = { Resource: ["*"], Action: ["s3:PutObject", "s3:GetObject"], Effect: "Allow" };
  expect(samePolicy(a, JSON.stringify({ Statement: reordered, Version: "2012-10-17" }))).toBe(true);
});

it("tells policies apart that allow different things", () => {
  const policy = (Action: string[]) => JSON.stringify({ Statement: [{ ...statement, Action }] });
  expect(samePolicy(policy(["s3:GetObject"]), policy(["s3:PutObject"]))).toBe(false);
  expect(samePolicy(policy(["s3:GetObject"]), policy(["s3:GetObject", "s3:PutObject"]))).toBe(false);
  expect(samePolicy(policy([]), undefined)).toBe(false);
  expect(samePolicy("not JSON", policy([]))).toBe(false);
});

it("takes every policy for itself, in any order of its actions", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string()), (actions) => {
      const policy = (list: string[]) => JSON.stringify({ Statement: { Action: list } });
      expect(samePolicy(policy(actions), policy(actions.toReversed()))).toBe(true);
    }),
  );
});
