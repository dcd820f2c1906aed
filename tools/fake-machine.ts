import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Tool } from "./catalogue.ts";
import { machineContext, type ToolContext } from "./context.ts";

/** A machine for tests: its own PATH, cache and package manager, offline, everything in one temporary folder. */
export interface FakeMachine {
  folder: string;
  context: ToolContext;
  /** Puts a shell script on PATH. */
  install(name: string, script: string): Promise<string>;
  /** Puts a tool on PATH that tells this version. */
  installTool(name: string, version: string): Promise<string>;
  /** Lines that fake commands appended to the journal (`$JOURNAL`). */
  journal(): Promise<string[]>;
}

/** Makes a fake machine whose catalogue holds these tools. */
export async function fakeMachine(tools: readonly Tool[]): Promise<FakeMachine> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "lab-tools-")));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const bin = join(folder, "bin");
  await mkdir(bin);
  const journalFile = join(folder, "journal");
  await writeFile(journalFile, "");
  const context = machineContext({
    catalogue: Object.fromEntries(tools.map((tool) => [tool.name, tool])),
    env: { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, BIN: bin, JOURNAL: journalFile },
    cacheFolder: join(folder, "cache"),
    systemFolders: [],
    userId: 0,
    architecture: "x64",
    reachable: async () => false,
    policyFile: join(folder, "policy-rc.d"),
    aptListsFolder: join(folder, "lists"),
  });
  const install = async (name: string, script: string) => {
    const path = join(bin, name);
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  };
  return {
    folder,
    context,
    install,
    installTool: (name, version) => install(name, `echo "${name} version ${version}"`),
    journal: async () => (await readFile(journalFile, "utf8")).split("\n").filter((line) => line !== ""),
  };
}

/** A catalogue entry that asks for version 2 or newer. */
export function fakeTool(name: string, rest: Partial<Tool> = {}): Tool {
  return {
    name,
    why: `The tests need ${name}.`,
    minimum: { version: "2.0", why: "1.x is too old for the tests" },
    versionQuery: { args: ["--version"], pattern: /version (\d+\.\d+\S*)/ },
    ...rest,
  };
}

/** apt's two commands: `candidate` is what it offers, and installing puts the tool on PATH. */
export async function installFakeApt(
  machine: FakeMachine,
  candidates: Readonly<Record<string, string>>,
  installation = "",
): Promise<void> {
  const policy = Object.entries(candidates)
    .map(([name, version]) => `${name}:\n  Installed: (none)\n  Candidate: ${version}`)
    .join("\n");
  await machine.install("apt-cache", `[ "$1" = policy ] || exit 0\ncat <<'END'\n${policy}\nEND`);
  await machine.install(
    "apt-get",
    `echo "apt-get $*" >>"$JOURNAL"\n[ "$1" = install ] || exit 0\n${installation}`,
  );
}
