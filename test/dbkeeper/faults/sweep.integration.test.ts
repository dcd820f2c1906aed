import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findMotoServer } from "../../../rehearsal/s3/testing.ts";
import { serverPrograms, skipReason } from "../../../scripts/testing/cluster.ts";
import { type Ground, type Lane, onLanes, openLane, prepareGround } from "./lane.ts";
import { differences } from "./picture.ts";
import { makeScenarios } from "./scenarios.ts";
import { mountSmallDisk, type SmallDisk } from "./small-disk.ts";
import { describeCase, everyCase, oneCaseEach, type Recorded, record, tryCase } from "./sweep.ts";

/** `all`: every fault of every call, which takes most of an hour; else one of each place in the sources. */
const whole = process.env.DBKEEPER_SWEEP === "all";

describe.skipIf(serverPrograms === undefined)(
  `every call fails once (${serverPrograms ?? skipReason})`,
  () => {
    let ground: Ground;
    let lanes: Lane[] = [];
    let recorded: Recorded[] = [];

    beforeAll(async () => {
      [ground, lanes] = await Promise.all([
        prepareGround(await findMotoServer()),
        Promise.all([openLane(), openLane()]),
      ]);
    });

    afterAll(async () => {
      await Promise.all(lanes.map((lane) => lane.close()));
      await ground?.close();
    });

    test("a command that is run twice leaves what it leaves when it is run once", async () => {
      const scenarios = await makeScenarios(ground, lanes[0] as Lane);
      recorded = await onLanes(lanes, scenarios, (lane, scenario) => record(ground, lane, scenario));
    }, 300_000);

    test(
      "run again, a command whose call has failed leaves what it leaves undisturbed",
      async () => {
        const all = everyCase(recorded);
        expect(all).not.toEqual([]);
        const chosen = whole ? all : oneCaseEach(all, ground.program.describe);
        const wrong = await onLanes(lanes, chosen, async (lane, one) => {
          const problems = await tryCase(ground, lane, one);
          return problems.length === 0 ? [] : [describeCase(ground, one, problems)];
        });
        expect(wrong.flat().join("\n")).toBe("");
      },
      whole ? 7_200_000 : 600_000,
    );

    const isRoot = process.getuid?.() === 0;

    test.skipIf(!isRoot).each(["dump", "run", "validate", "archive", "report", "maintain"])(
      "%s on a full disk: nothing good is lost, and room is all it needs",
      async (name) => {
        const one = recorded.find(({ scenario }) => scenario.name === name);
        // Without an S3 server there is no archive.
        if (ground.s3 === undefined && name === "archive") return;
        await onSmallDisk(one, async (disk) => await disk.fill());
      },
    );

    test.skipIf(!isRoot)(
      "the disk is full in the middle of a fetch from the archive: room is all it needs",
      async () => {
        const one = recorded.find(({ scenario }) => scenario.name === "archive restore");
        const gate = ground.s3?.gate;
        if (gate === undefined) return;
        await onSmallDisk(one, async (disk) => {
          gate.halfway = () => disk.fill();
        });
      },
    );

    /** Runs a command on a disk with something wrong, and again when there is room. */
    const onSmallDisk = async (one: Recorded | undefined, spoil: (disk: SmallDisk) => Promise<void>) => {
      if (one === undefined) throw new Error("the command was not recorded");
      const { scenario, reference } = one;
      const world = await scenario.begin(lanes[0] as Lane);
      const disk = await mountSmallDisk(join(world.folder, "backup"));
      try {
        await spoil(disk);
        const ended = await world.run(...scenario.argv);
        expect(ended.output).toMatch(/no space left|ENOSPC|free/i);
        expect(await scenario.unsound(world)).toEqual([]);
        await disk.relieve();
        const again = await world.run(...scenario.argv);
        expect(again.code, again.output).toBe(0);
        expect(differences(reference, await scenario.picture(world))).toEqual([]);
      } finally {
        await disk.remove();
        await world.remove();
      }
    };
  },
);
