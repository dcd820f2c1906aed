import { describe, expect, it } from "vitest";
import { withThrowawayStack } from "../rehearsal/lab/preview.ts";
import { findTool } from "../tools/find.ts";
import { machineExample } from "./machine.ts";

const engine = await findTool("pulumi");
if (!engine) console.warn("skipped: previews need the Pulumi engine; `./lab test` installs it");

/** What the engine says about a stack that cannot be previewed. */
async function complaint(stack: string, settings: Readonly<Record<string, unknown>>): Promise<string> {
  return withThrowawayStack(
    stack,
    (running) =>
      running.run(["preview", "--color", "never"]).then(
        () => "nothing is wrong",
        (error: unknown) => String(error),
      ),
    { settings },
  );
}

const wrong: readonly (readonly [string, string, Readonly<Record<string, unknown>>, string])[] = [
  [
    "a site with two mistakes",
    "rehearsal",
    { machine: { ...machineExample, network: "10.213.300", smarthost: "mail" } },
    'networks.rehearsal.cidr: "10.213.300.0/24": it is not valid; allowed: an IPv4 network such as 10.16.207.0/24, with no host bits set',
  ],
  [
    "a machine that is none",
    "rehearsal",
    { machine: { network: 7 } },
    'machine: {"network":7}: it does not describe the machine that the rehearsal is built on; allowed: what `./lab up` writes into stacks/Pulumi.rehearsal.yaml',
  ],
  [
    "an endpoint that is no address",
    "lab",
    { pbs: { endpoint: "pbs01", tokenId: "pulumi@pbs!lab" } },
    "pbs.endpoint: an http:// or https:// address; set it with `pulumi config set --path 'astronomy-lab:pbs.endpoint' VALUE`",
  ],
];

describe.skipIf(!engine)("what is wrong is said without a stack trace", () => {
  it.each(wrong)(
    "%s",
    async (_, stack, settings, expected) => {
      const said = await complaint(stack, settings);
      expect(said).toContain(expected);
      expect(said).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
      expect(said).not.toContain("unhandled exception");
    },
    120_000,
  );
});
