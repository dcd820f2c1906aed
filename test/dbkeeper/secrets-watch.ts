import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

/** What anybody on the host can read of a process (its arguments), and what its own account can (its environment). */
export interface SeenProcess {
  arguments: string;
  environment: string;
}

/** Looks again and again at `/proc` for every process that this one, or any below it, has started. */
export function watchDescendants(root = process.pid): { seen(): SeenProcess[]; stop(): void } {
  const seen = new Map<string, SeenProcess>();
  const look = () => {
    for (const pid of descendantsOf(root)) {
      const process = { arguments: textOf(pid, "cmdline"), environment: textOf(pid, "environ") };
      // One that starts another program becomes a second one here.
      seen.set(`${pid}\n${process.arguments}\n${process.environment}`, process);
    }
  };
  const timer = setInterval(look, 10);
  return {
    seen: () => [...seen.values()],
    stop: () => clearInterval(timer),
  };
}

/**
 * Programs that note what `/proc` says of them and then become the real ones, so that none is too short-lived to be
 * seen. Returns their folder.
 */
export async function makeRecordingPrograms(
  folder: string,
  programs: Readonly<Record<string, string>>,
): Promise<{ folder: string; records(): Promise<(SeenProcess & { program: string })[]> }> {
  const notes = join(folder, "notes");
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  // Whichever account starts them.
  await mkdir(notes, { mode: 0o777 });
  for (const [name, real] of Object.entries(programs)) {
    const script = `#!/bin/sh
umask 0
cat /proc/$$/cmdline > ${notes}/$$.${name}.cmdline
cat /proc/$$/environ > ${notes}/$$.${name}.environ
exec ${real} "$@"
`;
    await writeFile(join(bin, name), script, { mode: 0o755 });
  }
  return {
    folder: bin,
    async records() {
      const names = (await readdir(notes)).filter((name) => name.endsWith(".cmdline"));
      return await Promise.all(
        names.map(async (name) => {
          const base = join(notes, basename(name, ".cmdline"));
          return {
            program: name.split(".")[1] ?? "",
            arguments: await readFile(`${base}.cmdline`, "utf8"),
            environment: await readFile(`${base}.environ`, "utf8").catch(() => ""),
          };
        }),
      );
    },
  };
}

/** Files below a folder that hold one of the secrets, each as `<name of the secret>: <path>`; some are left out. */
export async function findSecrets(
  secrets: Readonly<Record<string, string>>,
  folder: string,
  leftOut: readonly string[] = [],
): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || leftOut.some((other) => path.startsWith(other))) continue;
    const content = await readFile(path).catch(() => Buffer.alloc(0));
    found.push(...secretsIn(secrets, content).map((name) => `${name}: ${path}`));
  }
  return found;
}

/** Names of the secrets that a text holds, as they are, in base64 or as part of an address. */
export function secretsIn(secrets: Readonly<Record<string, string>>, content: Buffer | string): string[] {
  const bytes = Buffer.from(content);
  return Object.entries(secrets)
    .filter(([, secret]) => {
      const forms = [secret, Buffer.from(secret).toString("base64"), encodeURIComponent(secret)];
      return forms.some((form) => bytes.includes(form));
    })
    .map(([name]) => name);
}

function descendantsOf(root: number): number[] {
  const found: number[] = [];
  const waiting = [root];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    const children = childrenOf(pid);
    found.push(...children);
    waiting.push(...children);
  }
  return found;
}

/** Each of its threads may have started some. */
function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => textOf(pid, `task/${thread}/children`));
    return lists.flatMap((list) => list.split(" ").filter((text) => text !== "")).map(Number);
  } catch {
    return [];
  }
}

/** Empty where the process has ended. */
function textOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
