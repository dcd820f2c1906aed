import fc from "fast-check";
import { describe, expect, it } from "vitest";
import dr from "../../stacks/dr.ts";
import lab from "../../stacks/lab.ts";
import rehearsal from "../../stacks/rehearsal.ts";
import { machineExample } from "../../test/machine.ts";
import { protections } from "../backup/protections.ts";
import { hostOrder } from "../contents.ts";
import { inOrder } from "../hosts/deliveries.ts";
import { parseSite, type Site } from "../site.ts";
import { SiteError } from "./problems.ts";

const stacks = { lab: () => lab(), dr: () => dr(), rehearsal: () => rehearsal(machineExample) };

type Container = Record<string, unknown> | unknown[];
type Place = readonly [container: Container, key: string];

/** Every property of a site. What a mutation put in may be endless, so it is not followed for ever. */
function placesOf(site: object): Place[] {
  const places: Place[] = [];
  const open: { readonly at: object; readonly depth: number }[] = [{ at: site, depth: 0 }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { at, depth } = next;
    for (const [key, value] of Object.entries(at)) {
      places.push([at as Container, key]);
      if (typeof value === "object" && value !== null && depth < 6)
        open.push({ at: value, depth: depth + 1 });
    }
  }
  return places;
}

const get = ([container, key]: Place): unknown => (container as Record<string, unknown>)[key];
/** As own properties, whatever they are called. */
const set = ([container, key]: Place, value: unknown) =>
  Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true });

const deeplyNested = (): unknown => {
  let value: unknown = "the innermost";
  for (let depth = 0; depth < 10_000; depth++) value = { value };
  return value;
};
const circular = (): unknown => {
  const value: Record<string, unknown> = {};
  value.itself = value;
  return value;
};

const strangeNames = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "then",
  "",
  "0",
  "🔭",
  "a\nb",
];
const strangeValue = fc.oneof(
  fc.constantFrom<unknown>(
    ...[
      null,
      undefined,
      true,
      "",
      0,
      -0,
      -1,
      1.5,
      1e308,
      Number.NaN,
      Infinity,
      2 ** 53,
      10n,
      Symbol("s"),
      () => 1,
    ],
    ...strangeNames,
  ),
  fc.constantFrom(deeplyNested, circular).map((make) => make()),
  fc.string({ unit: "grapheme" }),
  fc.integer(),
  fc.anything({
    withBigInt: true,
    withNullPrototype: true,
    withSparseArray: true,
    withDate: true,
    withMap: true,
  }),
);

type Mutation = (places: readonly Place[], site: object) => void;

const index = fc.nat({ max: 1_000_000 });
const pick = (places: readonly Place[], number: number): Place => {
  const place = places[number % places.length];
  if (!place) throw new Error("a site has properties");
  return place;
};

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  index.map(
    (at): Mutation =>
      (places) => {
        const [container, key] = pick(places, at);
        if (Array.isArray(container)) container.splice(Number(key), 1);
        else delete container[key];
      },
  ),
  fc.tuple(index, strangeValue).map(
    ([at, value]): Mutation =>
      (places) =>
        set(pick(places, at), value),
  ),
  fc.tuple(index, index).map(
    ([a, b]): Mutation =>
      (places) => {
        const [one, other] = [pick(places, a), pick(places, b)];
        const value = get(one);
        set(one, get(other));
        set(other, value);
      },
  ),
  // A value where another name or number of the site stood: references that lead astray or in a circle.
  fc.tuple(index, index).map(
    ([a, b]): Mutation =>
      (places) => {
        const leaves = places.filter((place) => typeof get(place) !== "object");
        set(pick(leaves, a), get(pick(leaves, b)));
      },
  ),
  fc.tuple(index, fc.constantFrom(...strangeNames), strangeValue).map(
    ([at, name, value]): Mutation =>
      (places) => {
        set([pick(places, at)[0], name], value);
      },
  ),
  index.map(
    (at): Mutation =>
      (places, site) =>
        set(pick(places, at), site),
  ),
  index.map(
    (at): Mutation =>
      (places) => {
        const [container, key] = pick(places, at);
        if (Array.isArray(container)) container.push(container[Number(key)]);
      },
  ),
);

describe("a site that was changed at random", () => {
  it.each(Object.entries(stacks))(
    "from %s is taken, or refused with its problems and nothing else",
    (_, stack) => {
      fc.assert(
        fc.property(fc.array(mutation, { minLength: 1, maxLength: 3 }), (mutations) => {
          const site = structuredClone(stack());
          for (const mutate of mutations) {
            const places = placesOf(site);
            if (places.length > 0) mutate(places, site);
          }
          const parsed = outcomeOf(site);
          // What was taken can be worked with.
          if (parsed) {
            expect(protections(parsed)).toHaveLength(parsed.guests.length);
            inOrder(
              parsed.guests.map(({ name }) => name),
              hostOrder(parsed),
            );
          }
        }),
        { numRuns: 300 },
      );
    },
  );
});

function outcomeOf(site: unknown): Site | undefined {
  try {
    return parseSite(site);
  } catch (error) {
    if (!(error instanceof SiteError)) throw error;
    expect(error.problems.length).toBeGreaterThan(0);
    for (const { path, reason, allowed } of error.problems) {
      expect([path, reason, allowed].every((text) => typeof text === "string" && text !== "")).toBe(true);
    }
    expect(error.message).not.toMatch(/\n\s+at /);
    expect(error.message.split("\n")).toHaveLength(error.problems.length + 1);
    return undefined;
  }
}
