import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";

/** In a process of its own, since it is about what is loaded first. */
const program = `
import { createRequire } from "node:module";
await import(process.argv[1]);
const pulumi = await import("@pulumi/pulumi");
const { cache } = createRequire(process.argv[1]);
const count = () => Object.keys(cache).filter((path) => path.includes("/node_modules/pacote/")).length;
const stackOf = (error) => error.stack.split("\\n").length - 1;
console.log(JSON.stringify({
  before: count(),
  automation: typeof pulumi.automation.LocalWorkspace.create,
  codePaths: (await pulumi.runtime.computeCodePaths()).size,
  after: count(),
  positions: pulumi.Resource.callsites().length,
  marker: stackOf(new Error()),
  mistake: stackOf(new TypeError("it is undefined")),
}));
`;
let seen: Record<string, unknown>;

beforeAll(async () => {
  const { href } = new URL("./pulumi-sdk.ts", import.meta.url);
  const { stdout } = await execa(process.execPath, ["--input-type=module", "--eval", program, href]);
  seen = JSON.parse(stdout);
});

test("what no program of ours uses of the SDK is not loaded with it", () => {
  expect(seen).toMatchObject({ before: 0 });
});

test("what is used after all is there", () => {
  expect(seen).toMatchObject({
    automation: "function",
    codePaths: expect.toSatisfy((size: number) => size > 0),
    after: expect.toSatisfy((modules: number) => modules > 0),
  });
});

test("an error that says something says where it comes from", () => {
  expect(seen).toMatchObject({ marker: 0, mistake: expect.toSatisfy((lines: number) => lines > 0) });
});

test("resources know where they are made", () => {
  expect(seen).toMatchObject({ positions: expect.toSatisfy((frames: number) => frames > 0) });
});
