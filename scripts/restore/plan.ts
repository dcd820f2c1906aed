import { formatBytes, formatSeconds } from "../events.ts";
import { packageOf } from "../postgres/packages.ts";
import { type DatabaseEntry, isValidated, type Manifest, sizeOfDump } from "../runs/manifest.ts";

/** What is wanted, once the command line is understood. */
export interface RestoreWish {
  /** In the order of the run; `all` is every database of it. */
  databases: "all" | readonly string[];
  /** Another name for the only database. */
  as?: string | undefined;
  globals: boolean;
  replace: boolean;
  unvalidated: boolean;
  jobs: number;
}

/** One database to restore, and what its dump asks of a server. */
export interface RestoreItem {
  entry: DatabaseEntry;
  /** The name that it gets. */
  name: string;
  roles: readonly string[];
  tablespaces: readonly string[];
}

/** What the target is like. */
export interface TargetState {
  major: number;
  superuser: boolean;
  role: string;
  databases: readonly { name: string; bytes: number | null; sessions: number }[];
  roles: readonly string[];
  tablespaces: readonly string[];
  extensions: readonly string[];
  /** Bytes free where its data are; `null` where that cannot be seen from here. */
  freeBytes: number | null;
  /** Version of the collation library for a locale, by {@link localeKey}, as far as the target uses it. */
  collationVersions: ReadonlyMap<string, string | null>;
}

/** What a restore will do, what speaks against it, and what should be known before. */
export interface RestorePlan {
  run: string;
  items: readonly RestoreItem[];
  globals: boolean;
  /** `null` where the run was never restored before. */
  estimatedSeconds: number | null;
  neededBytes: number;
  freeBytes: number | null;
  /** Each refuses the restore. */
  problems: string[];
  notes: string[];
}

/** Which databases of a run are wanted; names that the run lacks are problems. */
export function chooseEntries(manifest: Manifest, wish: RestoreWish) {
  const { databases } = wish;
  if (databases === "all") return { entries: manifest.databases, missing: [] };
  const entries = manifest.databases.filter(({ name }) => databases.includes(name));
  const missing = [...new Set(databases)].filter((name) => !entries.some((entry) => entry.name === name));
  return { entries, missing };
}

/** Weighs a wish against the run and the target. */
export function planRestore(
  run: { id: string; manifest: Manifest },
  wish: RestoreWish,
  items: readonly RestoreItem[],
  state: TargetState,
  options: {
    minimumFreeBytes: number;
    createdRoles: readonly string[];
    createdTablespaces: readonly string[];
    /** The newest run that was proven by restoring it, if there is one. */
    newestProven?: string | undefined;
  },
): RestorePlan {
  const { manifest } = run;
  const sizes = items.map(({ entry }) => entry.databaseBytes ?? sizeOfDump(entry)).toSorted((a, b) => b - a);
  // All data stay; sorting for indexes and WAL need as much again for those that are restored at the same time.
  const neededBytes = sum(sizes) + sum(sizes.slice(0, wish.jobs));
  const problems = [
    ...chooseEntries(manifest, wish).missing.map((name) => `the run has no database ${show(name)}`),
    ...validationProblems(run, wish, options.newestProven),
    ...versionProblems(manifest, state),
    ...existenceProblems(items, wish, state),
    ...missing(items, ({ roles }) => roles, [...state.roles, ...options.createdRoles]).map(
      (name) => `role ${show(name)} is missing on the target; create it, for example with --globals`,
    ),
    ...missing(items, ({ tablespaces }) => tablespaces, [
      ...state.tablespaces,
      ...options.createdTablespaces,
    ]).map(
      (name) => `tablespace ${show(name)} is missing on the target; create it, for example with --globals`,
    ),
    ...missing(items, ({ entry }) => entry.extensions.map(({ name }) => name), state.extensions).map(
      (name) =>
        `extension ${show(name)} is not installed on the target's host; install its package there, usually ${packageOf(name, state.major)}`,
    ),
  ];
  if (!state.superuser) {
    problems.push(
      `role ${show(state.role)} is no superuser of the target, and owners and rights cannot be restored by another; set restore.role or the role of the target, or say --role`,
    );
  }
  if (state.freeBytes !== null && state.freeBytes < neededBytes + options.minimumFreeBytes) {
    problems.push(
      `the target has ${formatBytes(state.freeBytes)} free, but the restore needs about ${formatBytes(neededBytes)} and ${formatBytes(options.minimumFreeBytes)} must stay free (minimumFreeBytes)`,
    );
  }
  return {
    run: run.id,
    items,
    globals: wish.globals,
    estimatedSeconds: estimateSeconds(manifest, items, wish.jobs),
    neededBytes,
    freeBytes: state.freeBytes,
    problems,
    notes: notesFor(manifest, items, wish, state),
  };
}

/** The plan as people read it before they agree. */
export function formatPlan(plan: RestorePlan, manifest: Manifest, target: string, now: Date): string[] {
  const rows = plan.items.map(({ entry, name }) => {
    const size = entry.databaseBytes === null ? "" : `, ${formatBytes(entry.databaseBytes)} in the database`;
    const as = name === entry.name ? "" : ` as ${show(name)}`;
    return `  ${show(entry.name)}${as}: dump of ${formatBytes(sizeOfDump(entry))}${size}`;
  });
  const time = plan.estimatedSeconds === null ? "unknown" : `about ${formatSeconds(plan.estimatedSeconds)}`;
  const free = plan.freeBytes === null ? "unknown" : formatBytes(plan.freeBytes);
  const age = formatSeconds((now.getTime() - Date.parse(manifest.startedAt)) / 1000);
  const proof = isValidated(manifest)
    ? `proven by restoring it ${manifest.validation?.finishedAt}`
    : "not proven by restoring it";
  return [
    `Restore from run ${plan.run} of ${manifest.cluster} to ${target}:`,
    `  as it was ${age} ago (${manifest.startedAt}), on PostgreSQL ${manifest.serverVersion}; ${proof}`,
    ...(plan.globals ? ["  roles, tablespaces and their settings"] : []),
    ...rows,
    `  time: ${time}; space: ${formatBytes(plan.neededBytes)} of ${free} free`,
    ...plan.notes.map((note) => `  note: ${note}`),
    ...plan.problems.map((problem) => `  refused: ${problem}`),
  ];
}

/** What makes two databases sort alike, if the library is the same. */
export function localeKey({ provider, collate, providerLocale }: DatabaseEntry["locale"]): string {
  return JSON.stringify(provider === "c" ? [provider, collate] : [provider, providerLocale]);
}

function validationProblems(
  run: { id: string; manifest: Manifest },
  wish: RestoreWish,
  newestProven: string | undefined,
): string[] {
  if (wish.unvalidated || isValidated(run.manifest)) return [];
  const instead = newestProven === undefined ? "no run is yet" : `${newestProven} is the newest that was`;
  return [
    `run ${run.id} was not proven by restoring it, ${instead}; name that one, prove this one with \`dbkeeper validate ${run.id}\`, or say --unvalidated`,
  ];
}

function versionProblems({ serverVersion }: Manifest, { major }: TargetState): string[] {
  const source = Number.parseInt(serverVersion, 10);
  if (major >= source) return [];
  return [`the dump is of PostgreSQL ${source} and cannot be restored to ${major}`];
}

function existenceProblems(
  items: readonly RestoreItem[],
  { replace }: RestoreWish,
  { databases }: TargetState,
): string[] {
  return items.flatMap(({ name }) => {
    if (name === "template0" || name === "template1") {
      return [`${show(name)} belongs to the server; restore it under another name with --as`];
    }
    if (replace || !databases.some((database) => database.name === name)) return [];
    return [
      `${show(name)} exists on the target; --replace keeps it under another name, --as restores beside it`,
    ];
  });
}

function missing(
  items: readonly RestoreItem[],
  needs: (item: RestoreItem) => readonly string[],
  there: readonly string[],
): string[] {
  const known = new Set(there);
  return [...new Set(items.flatMap(needs))].filter((name) => !known.has(name)).toSorted();
}

/** From how long each database took when the run was validated by restoring it. */
function estimateSeconds(
  { validation }: Manifest,
  items: readonly RestoreItem[],
  jobs: number,
): number | null {
  if (validation?.level !== "restore") return null;
  const times = items.map(
    ({ entry }) => validation.databases.find(({ name }) => name === entry.name)?.durationSeconds ?? 0,
  );
  return Math.max(sum(times) / jobs, ...times, 0);
}

function notesFor(
  manifest: Manifest,
  items: readonly RestoreItem[],
  wish: RestoreWish,
  state: TargetState,
): string[] {
  const notes: string[] = [];
  for (const { name } of wish.replace ? items : []) {
    const old = state.databases.find((database) => database.name === name);
    if (old === undefined) continue;
    const sessions = old.sessions === 0 ? "" : ` and its ${old.sessions} sessions end`;
    notes.push(`${show(name)} on the target stays under another name${sessions}`);
  }
  if (state.freeBytes === null) notes.push("the free space of the target cannot be seen from here");
  for (const { entry } of items) {
    const before = entry.locale.collationVersion?.actual ?? null;
    const now = state.collationVersions.get(localeKey(entry.locale)) ?? null;
    if (before !== null && now !== null && before !== now) {
      notes.push(
        `${show(entry.name)} was sorted by version ${before} of its collation, the target has ${now}: indexes are built anew, but text may sort otherwise`,
      );
    }
    if (entry.content === null) notes.push(`${show(entry.name)} was not counted: it cannot be compared`);
  }
  if (manifest.failed.length > 0) {
    notes.push(`the run lacks ${manifest.failed.map(({ name }) => show(name)).join(", ")}`);
  }
  return notes;
}

function show(name: string): string {
  return JSON.stringify(name);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
