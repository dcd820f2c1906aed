import { expect, test } from "vitest";
import { longestRetrieval, parseRestore } from "./retrieval.ts";

test("what S3 tells of a restore is understood, and nothing else is", () => {
  expect(parseRestore(undefined)).toBeUndefined();
  expect(parseRestore('ongoing-request="true"')).toEqual({ ongoing: true, expiresAt: null });
  expect(parseRestore('ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"')).toEqual({
    ongoing: false,
    expiresAt: new Date("2012-12-21T00:00:00Z"),
  });
  expect(() => parseRestore("soon")).toThrow(/x-amz-restore: soon/);
  expect(() => parseRestore('ongoing-request="false", expiry-date="soon"')).toThrow(/soon/);
});

test("deep archives know no expedited restore", () => {
  expect(longestRetrieval("GLACIER", "Expedited")).toBe(300);
  expect(longestRetrieval("DEEP_ARCHIVE", "Expedited")).toBeUndefined();
  expect(longestRetrieval("STANDARD", "Standard")).toBeUndefined();
});
