import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";

/** A program that was got for a capture only; its folder goes with it. */
export interface FetchedProgram extends AsyncDisposable {
  readonly path: string;
}

/** A program of a Debian package, unpacked and not installed. Fails where apt does not serve the package. */
export function debianProgram(name: string, program: string): Promise<FetchedProgram> {
  return inFolder(async (folder) => {
    await execa("apt-get", ["download", name], { cwd: folder });
    const [archive = ""] = (await execa("find", [folder, "-name", "*.deb"])).stdout.split("\n");
    await execa("dpkg-deb", ["--extract", archive, folder]);
    return join(folder, program);
  });
}

/** A program built from the module that the Go proxy serves in this version. */
export function goProgram(module: string, program: string, version: string): Promise<FetchedProgram> {
  return inFolder(async (folder) => {
    const options = { cwd: folder, env: { CGO_ENABLED: "0" } };
    await mkdir(join(folder, "bin"));
    await execa("go", ["mod", "init", "captured"], options);
    await execa("go", ["get", "-tool", `${module}${program}@v${version}`], options);
    const path = join(folder, "bin", "program");
    const ldflags = `-s -w -X github.com/prometheus/common/version.Version=${version}`;
    await execa(
      "go",
      ["build", "-trimpath", "-ldflags", ldflags, "-o", path, `${module}${program}`],
      options,
    );
    return path;
  });
}

async function inFolder(make: (folder: string) => Promise<string>): Promise<FetchedProgram> {
  const folder = await mkdtemp(join(tmpdir(), "lab-capture-"));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    return { path: await make(folder), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
