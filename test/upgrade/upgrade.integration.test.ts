import { describe, expect, it } from "vitest";
import { findTool } from "../../tools/find.ts";
import { changesSince, lossesOf } from "./changes.ts";
import { listRecordings, readRecording } from "./recording.ts";

const engine = await findTool("pulumi");
if (!engine) console.warn("skipped: previews need the Pulumi engine; `./lab test` installs it");

describe.skipIf(!engine)("an upgrade replaces and deletes nothing that an earlier commit made", async () => {
  it.each(await listRecordings())(
    "%s",
    async (name) => {
      const recording = await readRecording(name);
      expect(lossesOf(await changesSince(recording))).toEqual([]);
    },
    120_000,
  );

  it("and a resource that was renamed would be found", async () => {
    const recording = await readRecording("06273dc-lab");
    const renamed = JSON.parse(
      JSON.stringify(recording.state).replaceAll("PruneJob::critical-daily", "PruneJob::critical"),
    );
    expect(lossesOf(await changesSince({ ...recording, state: renamed }))).toEqual([
      expect.stringMatching(/^delete .*PruneJob::critical$/),
    ]);
  }, 120_000);
});
