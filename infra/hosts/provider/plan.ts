import { readAsset } from "../../provider/asset.ts";
import { canonicalJson, sha256 } from "./canonical.ts";
import type { DeliveryInputs } from "./inputs.ts";
import { unitFolder, unitPath } from "./units.ts";

/** Where the host keeps what it knows of deliveries. */
export const stateFolder = "/var/lib/lab-delivery";

export type PlanMode = "apply" | "facts" | "remove";

/** Who a delivery is on its host. */
export interface Identity {
  /** Made once on create: an older resource's delete must not remove what a newer one has taken over. */
  readonly id: string;
  /** The URN of the resource, for people. */
  readonly owner: string;
}

export interface PlanFile {
  readonly path: string;
  readonly mode: string;
  readonly owner: string;
  readonly group: string;
  readonly activates: readonly string[];
  readonly validate?: readonly string[];
  readonly content?: { readonly name: string; readonly sha256: string };
  readonly source?: { readonly url: string; readonly sha256: string; readonly member?: string | undefined };
}

/** What `apply/` reads on the host as plan.json. */
export interface Plan extends Identity {
  readonly mode: PlanMode;
  readonly name: string;
  readonly stateFolder: string;
  readonly unitFolder: string;
  /** How long a run waits for another one on the same delivery. */
  readonly lockWaitSeconds: number;
  /** How long a started unit has to stay up before the run succeeds. */
  readonly settleSeconds: number;
  readonly packages: readonly string[];
  readonly users: readonly {
    readonly name: string;
    readonly home?: string | undefined;
    readonly groups: readonly string[];
    readonly shell: string;
  }[];
  readonly directories: readonly {
    readonly path: string;
    readonly mode: string;
    readonly owner: string;
    readonly group: string;
  }[];
  readonly files: readonly PlanFile[];
  readonly units: readonly {
    readonly name: string;
    readonly enabled: boolean;
    readonly state: "started" | "stopped" | "none";
    readonly reloadable: boolean;
  }[];
}

/** One file of the upload, read when it is needed. */
export interface Payload {
  readonly name: string;
  read(): Buffer;
}

/**
 * The SHA-256 over everything that is delivered. How the host is reached does not count: a new address or key is no
 * reason to deliver again; nor does the machine itself.
 */
export function contentHash({ connection: _, machine: __, files, ...delivered }: DeliveryInputs): string {
  return sha256(canonicalJson({ ...delivered, files: filesAsDelivered(files) }));
}

/** Files without what makes no difference to a host: an asset is its content, wherever that lies. */
export function filesAsDelivered(files: DeliveryInputs["files"]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(files).map(([path, { asset, ...file }]) => [
      path,
      asset === undefined ? file : { ...file, asset: asset.hash },
    ]),
  );
}

/** What the host has to do, and the contents it needs for that. */
export function planOf(
  mode: PlanMode,
  identity: Identity,
  inputs: DeliveryInputs,
): { readonly plan: Plan; readonly contents: readonly Payload[] } {
  const contents: Payload[] = [];
  const stage = (digest: string, read: Payload["read"]) => {
    const name = `content/${contents.length}`;
    contents.push({ name, read });
    return { name, sha256: digest };
  };
  const stageText = (text: string) => stage(sha256(text), () => Buffer.from(text));
  const files = Object.entries(inputs.files).map(([path, file]): PlanFile => {
    const { mode, owner, group, activates, source, asset } = file;
    const marks = { path, mode, owner, group, activates };
    if (source) return { ...marks, source };
    if (asset) return { ...marks, content: stage(asset.hash, () => readAsset(asset)) };
    const validate = file.validate === undefined ? {} : { validate: file.validate };
    return { ...marks, ...validate, content: stageText(file.content ?? "") };
  });
  const unitFiles = inputs.units.flatMap(({ name, content }): PlanFile[] =>
    content === undefined
      ? []
      : [{ path: unitPath(name), ...unitFileMarks, activates: [name], content: stageText(content) }],
  );
  const plan: Plan = {
    ...identity,
    mode,
    name: inputs.name,
    stateFolder,
    unitFolder,
    lockWaitSeconds: 60,
    settleSeconds: 2,
    packages: inputs.packages,
    users: inputs.users,
    directories: Object.entries(inputs.directories).map(([path, marks]) => ({ path, ...marks })),
    files: [...files, ...unitFiles],
    units: inputs.units.map(({ name, enabled, state, reloadable }) => ({ name, enabled, state, reloadable })),
  };
  return { plan, contents };
}

/** Everybody may read what runs: systemd warns of unit files that are closed. */
export const unitFileMarks = { mode: "0644", owner: "root", group: "root" } as const;
