import { expect, test } from "vitest";
import { formatSeconds, runSteps, type Step } from "./steps.ts";

const run = async (steps: readonly Step[], stillEverySeconds = 10) => {
  const lines: string[] = [];
  const stream = { write: (text: string) => lines.push(text.trimEnd()) };
  const outcome = await runSteps(steps, { stream, interactive: false, stillEverySeconds }).catch(
    (error: unknown) => error,
  );
  return { lines, outcome };
};

test("independent steps run side by side", async () => {
  const both = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() };
  const { outcome } = await run([
    {
      title: "a",
      run: async () => {
        both.a.resolve();
        await both.b.promise;
      },
    },
    {
      title: "b",
      run: async () => {
        both.b.resolve();
        await both.a.promise;
      },
    },
  ]);
  expect(outcome).toBeUndefined();
});

test("a step starts after what it depends on, whatever the order they are given in", async () => {
  const order: string[] = [];
  const step = (title: string, dependsOn: string[] = []): Step => ({
    title,
    dependsOn,
    run: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      order.push(title);
    },
  });
  await run([step("roof", ["walls"]), step("walls", ["ground"]), step("ground")]);
  expect(order).toEqual(["ground", "walls", "roof"]);
});

test("a failure is thrown, skips what depends on it, and lets the others end", async () => {
  const failure = new Error("broken");
  const ran: string[] = [];
  const { lines, outcome } = await run([
    { title: "bad", run: () => Promise.reject(failure) },
    { title: "dependent", dependsOn: ["bad"], run: async () => void ran.push("dependent") },
    { title: "other", run: async () => void ran.push("other") },
  ]);
  expect(outcome).toBe(failure);
  expect(ran).toEqual(["other"]);
  expect(lines).toContain('skipped: dependent ("bad" did not succeed)');
  expect(lines).toContainEqual(expect.stringMatching(/^FAILED: bad \(\d+\.\d s\)$/));
});

test("every step tells its start and its seconds", async () => {
  const { lines } = await run([{ title: "a", run: async () => {} }]);
  expect(lines).toEqual(["start: a", expect.stringMatching(/^done: a \(0\.\d s\)$/)]);
});

test("a long step is mentioned with what it is at", async () => {
  const mentioned = Promise.withResolvers<void>();
  const lines: string[] = [];
  const stream = {
    write: (text: string) => {
      lines.push(text);
      if (text.includes("still")) mentioned.resolve();
    },
  };
  const step: Step = {
    title: "long",
    run: async (report) => {
      report("building pulumi");
      await mentioned.promise;
    },
  };
  await runSteps([step], { stream, interactive: false, stillEverySeconds: 0.01 });
  expect(lines.join("")).toMatch(/still: long \(0\.\d s, building pulumi\)/);
});

test.each<[string, Step[], string]>([
  ["an unknown dependency", [{ title: "a", dependsOn: ["b"], run: async () => {} }], 'depends on "b"'],
  [
    "a circle",
    [
      { title: "a", dependsOn: ["b"], run: async () => {} },
      { title: "b", dependsOn: ["a"], run: async () => {} },
    ],
    "a → b → a",
  ],
  [
    "two steps of one name",
    [
      { title: "a", run: async () => {} },
      { title: "a", run: async () => {} },
    ],
    "two steps",
  ],
])("%s is refused before anything runs", async (_, steps, message) => {
  const { lines, outcome } = await run(steps);
  expect(String(outcome)).toContain(message);
  expect(lines).toEqual([]);
});

test("seconds are written for people", () => {
  expect(formatSeconds(4.24)).toBe("4.2 s");
  expect(formatSeconds(125)).toBe("2 min 05 s");
});
