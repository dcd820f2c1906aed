import { defineConfig } from "vitest/config";

const rehearsal = ["test/rehearsal/**/*.test.ts"];
const integration = ["**/*.integration.test.ts"];
const elsewhere = ["**/node_modules/**", ".lab/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: [...elsewhere, ...integration, ...rehearsal],
          // Loading the same modules again for each of a hundred files would take longer than the tests.
          isolate: false,
          // Servers that tests wait for leave half a processor idle.
          maxWorkers: 2,
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "integration",
          include: integration,
          exclude: elsewhere,
          // Engines, servers and guests let the runner wait: one file for each processor but one would leave half idle.
          maxWorkers: 2,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "rehearsal",
          include: rehearsal,
          // One lab, built once: its tests follow each other.
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 1_200_000,
        },
      },
    ],
  },
});
