import type { Commands } from "./command.ts";

export function addArchive({ add, act, recorded }: Commands): void {
  add("archive", "copy the newest validated run to S3").action(
    act((context) =>
      recorded(context, "archive", async () => {
        // The S3 client is most of the program and needed only here.
        const { archive } = await import("../archive/archive.ts");
        await archive(context);
      }),
    ),
  );
}
