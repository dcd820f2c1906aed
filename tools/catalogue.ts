import { goTools } from "./catalogue-go.ts";
import { hostTools } from "./catalogue-host.ts";

export { builders } from "./catalogue-host.ts";

/** How a tool is asked for its version; the pattern's first group is the version. */
export interface VersionQuery {
  /** Ask the interpreter of the script's first line instead of the script. */
  interpreter?: true;
  args: readonly string[];
  pattern: RegExp;
}

/** The vendor's own download: an archive whose checksum stands in a file that the vendor publishes beside it. */
export interface VendorDownload {
  /** Archive several tools share; they are found together once it is unpacked. */
  bundle: string;
  version: string;
  /** Addresses, HTTPS; `architecture` is Node's ("x64", "arm64"). */
  archiveUrl: (architecture: string) => string;
  /** Lines of "<sha256>  <file name>". */
  checksumsUrl: string;
}

/** A pinned Go module under tools/go and how its binary is built. */
export interface GoBuild {
  /** Folder under tools/go with go.mod and go.sum. */
  module: string;
  package: string;
  /** The version in go.mod, as the tool itself counts. */
  version: string;
  ldflags: string;
  /** Compiler flags for every package of the build. */
  gcflags?: string;
  /** Build tags, comma-separated. */
  tags?: string;
  /** Seconds on two cores with nothing cached; the slowest starts first. */
  coldBuildSeconds: number;
}

/** A Python program installed from pinned requirements into an environment of its own. */
export interface PythonEnvironment {
  /** File under tools/python. */
  requirements: string;
  version: string;
  /** Script in the environment's bin folder. */
  script: string;
}

/** One tool that the lab runs: why, which versions will do, and where it can come from. */
export interface Tool {
  name: string;
  /** One sentence: what the lab needs it for. */
  why: string;
  /** File name looked for; default: the tool's name. */
  executable?: string;
  /** The oldest version that will do, and why older ones do not. */
  minimum?: { version: string; why: string };
  /** Absent where a tool does not tell; it can have no minimum then. */
  versionQuery?: VersionQuery;
  /**
   * The binary is copied to guests, whose C library may be another: only a statically linked one will do,
   * wherever it comes from.
   */
  runsOnGuests?: true;
  /** Folders searched after PATH. */
  folders?: readonly string[];
  /** Folders searched before PATH; "*" stands for a version, the newest comes first. */
  versionedFolders?: readonly string[];
  vendor?: VendorDownload;
  /** Package of Debian and Ubuntu; its candidate version is compared with the minimum. */
  debianPackage?: string;
  go?: GoBuild;
  python?: PythonEnvironment;
}

/** Every tool by name; `lab doctor` lists them in this order. */
export const catalogue = { ...goTools, ...hostTools } satisfies Record<string, Tool>;

/** Names of the tools in the catalogue. */
export type ToolName = keyof typeof catalogue;

/** All names, in the catalogue's order. */
export const toolNames: readonly ToolName[] = Object.keys(catalogue).filter(
  (name): name is ToolName => name in catalogue,
);
