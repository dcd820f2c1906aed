import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { checkout as source } from "../../rehearsal/lab/instance.ts";
import type { LabStatus } from "../../rehearsal/lab/status.ts";
import { callLogVariable } from "../../rehearsal/lib/call-log.ts";

/** A copy of this checkout with a lab of its own, beside whatever lab the developer has running. */
export interface Checkout {
  readonly root: string;
  /** The folder in which the lab's simulators record their calls, see `recordedCalls`. */
  readonly calls: string;
  /** Runs `./lab`; does not fail by itself. */
  lab(...args: readonly string[]): Promise<LabResult>;
  /** Runs `./lab`; fails with what it said unless it succeeds. */
  mustLab(...args: readonly string[]): Promise<string>;
  status(): Promise<LabStatus>;
  /** Takes the lab down and removes the copy. */
  remove(): Promise<void>;
}

export interface LabResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Copies the tracked and new files of this checkout; packages and Node are shared with it. */
export async function copyCheckout(): Promise<Checkout> {
  const root = await mkdtemp(join(tmpdir(), "lab-"));
  const { stdout } = await execa("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
    cwd: source,
  });
  for (const file of stdout.split("\0").filter((name) => name !== "")) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await cp(join(source, file), join(root, file)).catch((error: NodeJS.ErrnoException) => {
      // Deleted in the working tree but still in the index.
      if (error.code !== "ENOENT") throw error;
    });
  }
  await symlink(join(source, "node_modules"), join(root, "node_modules"));
  await mkdir(join(root, ".lab"));
  await cp(join(source, ".lab", "npm-ci.sha256"), join(root, ".lab", "npm-ci.sha256"));

  const calls = join(root, "calls");
  const lab = async (...args: readonly string[]): Promise<LabResult> => {
    const { exitCode, stdout, stderr } = await execa(join(root, "lab"), [...args], {
      cwd: root,
      stdin: "ignore",
      reject: false,
      env: { NO_COLOR: "1", [callLogVariable]: calls },
    });
    return { exitCode, stdout, stderr };
  };
  const mustLab = async (...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await lab(...args);
    if (exitCode !== 0)
      throw new Error(`./lab ${args.join(" ")} ended with ${exitCode}:\n${stdout}\n${stderr}`);
    return stdout;
  };
  return {
    root,
    calls,
    lab,
    mustLab,
    status: async () => JSON.parse(await mustLab("status", "--json")) as LabStatus,
    remove: async () => {
      await mustLab("down", "--purge");
      await rm(root, { recursive: true, force: true });
    },
  };
}
