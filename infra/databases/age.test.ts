import { expect, test } from "vitest";
import { ageIdentityOf, isAgeRecipient } from "./age.ts";

test("a key pair is one of age: age-keygen -y gives the same public key", () => {
  expect(ageIdentityOf("a")).toEqual({
    identity: "AGE-SECRET-KEY-18M9ZZWNJUWXM4MCR57D6R7YQZ587JAZYELRVHHSXQ3R590PZ22DQ0EMLCY",
    recipient: "age1kmrmfuk2uedfmjr9e69hs856u8tc66lm3q0tnmz8afyz8hd7g3tsnwgaj5",
  });
});

test("any other character in a public key is found", () => {
  const { recipient } = ageIdentityOf("b");
  expect(isAgeRecipient(recipient)).toBe(true);
  const changed = [...recipient].map((old, index) => {
    const other = old === "q" ? "p" : "q";
    return recipient.slice(0, index) + other + recipient.slice(index + 1);
  });
  expect(changed.filter(isAgeRecipient)).toEqual([]);
});
