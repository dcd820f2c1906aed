import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AccessRequest, effectOf, type Policy, parsePolicy, refusalOf } from "./policy.ts";
import { wildcard } from "./wildcard.ts";

const user = { type: "user", arn: "arn:aws:iam::1:user/lab/w", account: "1" } as const;
const request = (given: Partial<AccessRequest> = {}): AccessRequest => ({
  principal: user,
  action: "s3:PutObject",
  resource: "arn:aws:s3:::dumps/w/a",
  context: new Map([["aws:securetransport", "true"]]),
  ...given,
});
const policy = (...Statement: object[]): Policy =>
  parsePolicy(JSON.stringify({ Version: "2012-10-17", Statement }));
const allow = { Effect: "Allow", Action: "s3:PutObject", Resource: "arn:aws:s3:::dumps/w/*" };

describe("one statement", () => {
  it.each([
    ["its action, resource and no condition", {}, {}, "allow"],
    ["the action in other letters", { Action: "S3:putobject" }, {}, "allow"],
    ["a wildcard in the action", { Action: "s3:Put*" }, {}, "allow"],
    ["another action", { Action: "s3:GetObject" }, {}, "none"],
    ["the resource in other letters", { Resource: "arn:aws:s3:::dumps/W/*" }, {}, "none"],
    ["a resource beside the pattern", {}, { resource: "arn:aws:s3:::dumps/wx/a" }, "none"],
    ["NotAction of another action", { Action: undefined, NotAction: "s3:Get*" }, {}, "allow"],
    ["NotAction of this action", { Action: undefined, NotAction: "s3:*" }, {}, "none"],
    ["NotResource of this resource", { Resource: undefined, NotResource: "*" }, {}, "none"],
    ["a condition that holds", { Condition: { Bool: { "aws:SecureTransport": "true" } } }, {}, "allow"],
    ["a condition that does not", { Condition: { Bool: { "aws:SecureTransport": "false" } } }, {}, "none"],
    [
      "one of several values",
      { Condition: { StringEquals: { "aws:SecureTransport": ["x", "true"] } } },
      {},
      "allow",
    ],
    [
      "a negated condition with one match",
      { Condition: { StringNotEquals: { "aws:SecureTransport": ["x", "true"] } } },
      {},
      "none",
    ],
    ["a condition on an absent key", { Condition: { StringEquals: { "s3:prefix": "a" } } }, {}, "none"],
    ["a negated one on an absent key", { Condition: { StringNotEquals: { "s3:prefix": "a" } } }, {}, "allow"],
    ["IfExists on an absent key", { Condition: { StringEqualsIfExists: { "s3:prefix": "a" } } }, {}, "allow"],
    ["Null on an absent key", { Condition: { Null: { "s3:prefix": "true" } } }, {}, "allow"],
    ["Null on a present key", { Condition: { Null: { "aws:SecureTransport": "true" } } }, {}, "none"],
    ["the user as principal", { Principal: { AWS: user.arn } }, {}, "allow"],
    ["everybody as principal", { Principal: "*" }, { principal: { type: "anonymous" } }, "allow"],
    ["another user as principal", { Principal: { AWS: "arn:aws:iam::1:user/x" } }, {}, "none"],
    ["the account, which names no user", { Principal: { AWS: "arn:aws:iam::1:root" } }, {}, "none"],
    [
      "a denial to the account, which is one to each user",
      { Effect: "Deny", Principal: { AWS: "arn:aws:iam::1:root" } },
      {},
      "deny",
    ],
    [
      "the service",
      { Principal: { Service: "s3.amazonaws.com" } },
      { principal: { type: "service", name: "s3.amazonaws.com" } },
      "allow",
    ],
    [
      "a service where a user is named",
      { Principal: { AWS: "*" } },
      { principal: { type: "service", name: "s3.amazonaws.com" } },
      "none",
    ],
  ] as const)("about %s", (_, statement, asked, effect) => {
    expect(effectOf([policy({ ...allow, ...statement })], request(asked as Partial<AccessRequest>))).toBe(
      effect,
    );
  });
});

it("says as AWS does why a request is refused", () => {
  const deny = policy({ ...allow, Effect: "Deny", Principal: "*" });
  expect(refusalOf({ identity: [policy(allow)], resource: [] }, request())).toBeUndefined();
  expect(refusalOf({ identity: [policy(allow)], resource: [deny] }, request())).toMatch(
    /explicit deny in a resource/,
  );
  expect(refusalOf({ identity: [], resource: [] }, request())).toBe(
    "because no identity-based policy allows the s3:PutObject action",
  );
  const root = {
    ...request(),
    principal: { type: "root", arn: "arn:aws:iam::1:root", account: "1" },
  } as const;
  expect(refusalOf({ identity: [], resource: [] }, root)).toBeUndefined();
  expect(refusalOf({ identity: [], resource: [deny] }, root)).toMatch(/explicit deny/);
});

it.each([
  [
    "an unknown operator",
    { ...allow, Condition: { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } } },
    /IpAddress is not known/,
  ],
  [
    "a policy variable",
    { ...allow, Resource: ["arn:aws:s3:::dumps/$", "{aws:username}/*"].join("") },
    /variables/,
  ],
  ["an element that does not exist", { ...allow, Ressource: "*" }, /Ressource/],
  ["no action", { Effect: "Allow", Resource: "*" }, /either Action or NotAction/],
])("refuses a document with %s instead of passing over it", (_, statement, message) => {
  expect(() => policy(statement)).toThrow(message);
});

const names = fc.constantFrom("s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:*", "s3:Get*");
const resources = fc.constantFrom(
  "*",
  "arn:aws:s3:::dumps/*",
  "arn:aws:s3:::dumps/w/*",
  "arn:aws:s3:::dumps/x",
);
const conditions = fc.constantFrom(
  undefined,
  { Bool: { "aws:SecureTransport": "false" } },
  { StringNotEquals: { "s3:prefix": "a" } },
);
const statements = (effect: fc.Arbitrary<string>) =>
  fc.record({ Effect: effect, Action: names, Resource: resources, Condition: conditions });
const anyStatement = statements(fc.constantFrom("Allow", "Deny"));
const requests = fc
  .record({
    action: fc.constantFrom("s3:PutObject", "s3:GetObject", "s3:DeleteObject"),
    resource: fc.constantFrom("arn:aws:s3:::dumps/w/a", "arn:aws:s3:::dumps/x", "arn:aws:s3:::other/y"),
    secure: fc.boolean(),
  })
  .map(({ secure, ...rest }) =>
    request({ ...rest, context: new Map([["aws:securetransport", String(secure)]]) }),
  );

describe("any policies", () => {
  it("refuse what one of their statements denies, whatever the others allow", () => {
    fc.assert(
      fc.property(
        fc.array(anyStatement),
        statements(fc.constant("Deny")),
        requests,
        (others, deny, asked) => {
          fc.pre(effectOf([policy(deny)], asked) === "deny");
          expect(effectOf([policy(...others, deny)], asked)).toBe("deny");
          expect(refusalOf({ identity: [policy(...others)], resource: [policy(deny)] }, asked)).toBeDefined();
          expect(refusalOf({ identity: [policy(deny)], resource: [policy(...others)] }, asked)).toBeDefined();
        },
      ),
    );
  });

  it("lose nothing by another allow, and gain nothing by another deny", () => {
    fc.assert(
      fc.property(
        fc.array(anyStatement),
        statements(fc.constantFrom("Allow", "Deny")),
        requests,
        (given, more, asked) => {
          const before = refusalOf({ identity: [policy(...given)], resource: [] }, asked) === undefined;
          const after = refusalOf({ identity: [policy(...given, more)], resource: [] }, asked) === undefined;
          if (more.Effect === "Allow") expect(after || !before).toBe(true);
          else expect(before || !after).toBe(true);
        },
      ),
    );
  });

  it("say the same in every order", () => {
    fc.assert(
      fc.property(fc.array(anyStatement), requests, (given, asked) => {
        expect(effectOf([policy(...given.toReversed())], asked)).toBe(effectOf([policy(...given)], asked));
      }),
    );
  });
});

it("matches * over slashes and ? to one character, and nothing else specially", () => {
  expect(wildcard("a*c", "a/b/c")).toBe(true);
  expect(wildcard("a?c", "abc")).toBe(true);
  expect(wildcard("a.c", "abc")).toBe(false);
  fc.assert(fc.property(fc.string(), (text) => wildcard(text.replaceAll(/[*?]/g, "?"), text)));
});
