import { expect, test } from "vitest";
import { requireOtherServer } from "./scratch-identity.ts";

test("another server is known by its system identifier", () => {
  expect(() => requireOtherServer("/run/scratch", "2", ["1", "1"])).not.toThrow();
  expect(() => requireOtherServer("/run/scratch", "2", ["1", null])).not.toThrow();
});

test.each([
  ["the source of today", "2", ["1", "2"], /is the source or a physical copy/],
  ["the source of the dump", "1", ["1", "2"], /is the source or a physical copy/],
  ["a server that does not tell", null, ["1", "1"], /cannot tell .*: its system identifier/],
  ["any server for a source that nobody knows", "2", [null, null], /the source's system identifier/],
])("%s is refused", (_name, scratch, sources, message) => {
  expect(() => requireOtherServer("/run/scratch", scratch, sources)).toThrow(message);
});
