import { describe, expect, it } from "vitest";
import { chooseGuests, type Machine } from "./guest-kind.ts";

const able: Machine = { refusal: undefined, ask: undefined };
const unable: Machine = { refusal: "no root", ask: undefined };
const answering = (answer: boolean): Machine => ({ refusal: "no root", ask: async () => answer });

describe("the kind of guests", () => {
  it("is containers where they can be had", async () => {
    expect(await chooseGuests(undefined, undefined, able)).toBe("containers");
  });

  it("is records where they were asked for, also without root", async () => {
    expect(await chooseGuests("none", undefined, able)).toBe("records");
    expect(await chooseGuests("none", undefined, unable)).toBe("records");
  });

  it("stays what the lab has", async () => {
    expect(await chooseGuests(undefined, "records", able)).toBe("records");
    await expect(chooseGuests("none", "containers", able)).rejects.toThrow(
      "the lab of this checkout has containers for guests and cannot change that",
    );
  });

  it("is offered to be records to somebody who can answer", async () => {
    expect(await chooseGuests(undefined, undefined, answering(true))).toBe("records");
    await expect(chooseGuests(undefined, undefined, answering(false))).rejects.toThrow("cannot be had here");
  });

  it("is never records without a yes", async () => {
    await expect(chooseGuests(undefined, undefined, unable)).rejects.toMatchObject({
      message: "guests cannot be had here: no root",
      hint: expect.stringContaining("./lab up --guests none"),
    });
    await expect(chooseGuests("containers", undefined, answering(true))).rejects.toThrow("no root");
    await expect(chooseGuests(undefined, "containers", answering(true))).rejects.toThrow("no root");
  });
});
