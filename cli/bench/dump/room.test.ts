import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { requireRoom } from "./room.ts";

const scenario = (sizeMib: number) => ({ name: "any", sizeMib, fill: async () => [] });

it("refuses what the disk has no room for, and says where to go", async () => {
  const refused = requireRoom(tmpdir(), [scenario(1), scenario(1e9)]);
  await expect(refused).rejects.toMatchObject({
    message: expect.stringContaining("needs 2441408.3 GiB"),
    hint: expect.stringContaining("TMPDIR"),
  });
});
