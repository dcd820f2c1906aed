import { describe, expect, it } from "vitest";
import { diffResource } from "../../provider/diff.ts";
import { knownBeforeUpdate } from "../../provider/messages.ts";
import { guestImages } from "./guest-images.ts";

const call = {
  client: null as never,
  urn: "urn:test",
  signal: new AbortController().signal,
  timeoutSeconds: undefined,
};
const wish = (importFrom: string, identity = "1") => ({ importFrom, identity });
const state = (guests: object, kept: object = {}) => ({ inputs: { guests }, outputs: { guests, kept } });

/** What the next `up` finds: the engine records new inputs also where nothing changes. */
async function upWith(recorded: ReturnType<typeof state>, guests: object) {
  const changed = diffResource(guestImages, recorded, { guests }).length > 0;
  const outputs = changed ? await guestImages.update(call, "id", recorded, { guests }) : recorded.outputs;
  return { changed, ...state(guests, (outputs as { kept: object }).kept) };
}

describe("the volumes that guests were made from", () => {
  it("are kept under their former name, until the guest is made anew", async () => {
    const made = state({ g0: wish("old.raw"), g1: wish("old.raw") });
    const renamed = await upWith(made, { g0: wish("new.raw"), g1: wish("new.raw") });
    expect(renamed.outputs.kept).toEqual({ g0: "old.raw", g1: "old.raw" });
    const again = await upWith(renamed, { g0: wish("newest.raw"), g1: wish("newest.raw") });
    expect(again.outputs.kept).toEqual({ g0: "old.raw", g1: "old.raw" });
    const rolled = await upWith(again, { g0: wish("newest.raw", "2"), g1: wish("newest.raw") });
    expect(rolled.outputs.kept).toEqual({ g1: "old.raw" });
    const back = await upWith(rolled, { g0: wish("newest.raw", "2"), g1: wish("old.raw") });
    expect(back.outputs.kept).toEqual({});
  });

  it("change nothing where guests come, go or are made anew from the same name", async () => {
    const made = state({ g0: wish("old.raw"), g1: wish("old.raw") });
    const next = await upWith(made, { g0: wish("old.raw", "2"), g2: wish("old.raw") });
    expect(next.changed).toBe(false);
    expect((await upWith(next, { g2: wish("new.raw") })).outputs.kept).toEqual({ g2: "old.raw" });
  });

  it("are known before anything acts", () => {
    const made = state({ g0: wish("old.raw") });
    expect(knownBeforeUpdate(guestImages, made, { guests: { g0: wish("new.raw") } })).toEqual({
      kept: { g0: "old.raw" },
    });
    expect(guestImages.foreknown?.({ inputs: {}, outputs: {} }, { guests: { g0: wish("old.raw") } })).toEqual(
      {
        kept: {},
      },
    );
  });

  it("are told of in a preview, each once", async () => {
    const made = state({ g0: wish("old.raw") });
    const wanted = { guests: { g0: wish("new.raw") } };
    expect(await guestImages.notesOnPreview?.(call, made, wanted)).toEqual([
      {
        severity: "info",
        message: "g0 stays as it is, made from old.raw; a higher imageGeneration makes it anew from new.raw",
      },
    ]);
    expect(await guestImages.notesOnPreview?.(call, await upWith(made, wanted.guests), wanted)).toEqual([]);
  });
});
