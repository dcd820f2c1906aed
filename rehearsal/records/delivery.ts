import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { execa } from "execa";
import { type Account, movePlan, planSchema, restoreLine } from "./plan.ts";

/** Where a recorded guest lies: `root` is its file system, `bin` its systemctl. */
export interface RecordPlace {
  readonly folder: string;
}

export interface DeliveryResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number;
}

/** A staging folder is named after the process that uses it, hence the shell in front. */
const handOver =
  't="$1/incoming/$$"; mkdir -p "$1/incoming"; mv "$2" "$t"; exec python3 -I -B "$t/apply" "$t"';

/**
 * Takes a delivery as a host does, into a folder: the uploaded program runs as it is, on a plan whose places lie in
 * the folder. Contents, digests, modes and activations are real; owners, accounts and running services are not.
 */
export async function takeDelivery({ folder }: RecordPlace, upload: Readable): Promise<DeliveryResult> {
  const staging = await mkdtemp(join(folder, "upload-"));
  try {
    const unpacked = await execa("tar", ["-x", "-f", "-", "-C", staging], { input: upload, reject: false });
    if (unpacked.exitCode !== 0) return { stdout: "", stderr: unpacked.stderr, status: 1 };
    const plan = planSchema.parse(JSON.parse(await readFile(join(staging, "plan.json"), "utf8")));
    const root = join(folder, "root");
    const account = await accountOf();
    const moved = movePlan(plan, root, account);
    await writeFile(join(staging, "plan.json"), JSON.stringify(moved));
    const { stdout, stderr, exitCode } = await execa(
      "/bin/sh",
      ["-c", handOver, "deliver", join(moved.stateFolder, plan.name), staging],
      {
        reject: false,
        stdin: "ignore",
        env: { PATH: `${join(folder, "bin")}:${process.env.PATH}` },
      },
    );
    const lines = stdout.split("\n").filter((line) => line !== "");
    const said = lines.map((line) => `${restoreLine(line, plan, root, account)}\n`).join("");
    return { stdout: said, stderr: stderr.replaceAll(root, ""), status: exitCode ?? 1 };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function accountOf(): Promise<Account> {
  const { stdout } = await execa("id", ["--group", "--name"]);
  return { user: userInfo().username, group: stdout.trim() };
}
