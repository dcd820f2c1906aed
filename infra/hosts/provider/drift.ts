import { sha256 } from "./canonical.ts";
import type { DeliveredFile, DeliveredUnit, DeliveryInputs } from "./inputs.ts";
import { unitFileMarks } from "./plan.ts";
import type { HostFacts, MarksOnHost } from "./remote.ts";
import { unitPath } from "./units.ts";

/**
 * The inputs that would describe what is on the host now. What was changed there carries a visible marker instead of
 * its content, and what is missing there is missing here, so that a comparison shows just what drifted.
 */
export function inputsFromFacts(recorded: DeliveryInputs, facts: HostFacts): DeliveryInputs {
  return {
    ...recorded,
    files: mapPresent(recorded.files, (path, file) =>
      fileOnHost(file, facts.files[path], facts.recorded[path]),
    ),
    directories: mapPresent(recorded.directories, (path, wanted) => {
      const found = facts.directories[path];
      return found?.kind === "directory" ? { ...wanted, ...marksOf(found) } : undefined;
    }),
    packages: recorded.packages.filter((name) => facts.packages.includes(name)),
    users: recorded.users.filter((user) => facts.users.includes(user.name)),
    units: recorded.units.map((unit) => unitOnHost(unit, facts)),
  };
}

function fileOnHost(
  file: DeliveredFile,
  found: MarksOnHost | undefined,
  remembered: string | undefined,
): DeliveredFile | undefined {
  if (!found || found.kind === "missing") return undefined;
  const { content, source, asset, ...rest } = file;
  const changed = { ...rest, content: marker(found, file.sensitive) };
  if (found.kind !== "file") return changed;
  const same = found.sha256 === expectedDigest(file, remembered);
  return { ...(same ? file : changed), ...marksOf(found) };
}

function expectedDigest(
  { content, source, asset }: DeliveredFile,
  remembered: string | undefined,
): string | undefined {
  if (asset !== undefined) return asset.hash;
  if (content !== undefined) return sha256(content);
  return source?.member === undefined ? source?.sha256 : remembered;
}

function unitOnHost(unit: DeliveredUnit, facts: HostFacts): DeliveredUnit {
  const { content, ...rest } = unit;
  const state = facts.units[unit.name];
  const now: DeliveredUnit = {
    ...rest,
    enabled: state?.enabled ?? unit.enabled,
    state: unit.state === "none" ? "none" : (state?.state ?? "stopped"),
  };
  const found = facts.files[unitPath(unit.name)];
  if (content === undefined || !found || found.kind === "missing") return now;
  const same =
    found.kind === "file" &&
    found.sha256 === sha256(content) &&
    Object.entries(unitFileMarks).every(
      ([mark, value]) => found[mark as keyof typeof unitFileMarks] === value,
    );
  return { ...now, content: same ? content : marker(found, false) };
}

function marker(found: MarksOnHost, hidden: boolean): string {
  if (found.kind !== "file") return `<changed on the host: now a ${found.kind}>`;
  const marks = `mode ${found.mode}, owner ${found.owner}:${found.group}`;
  return hidden ? "<changed on the host>" : `<changed on the host: sha256 ${found.sha256}, ${marks}>`;
}

function marksOf({ mode, owner, group }: MarksOnHost) {
  return {
    ...(mode !== undefined && { mode }),
    ...(owner !== undefined && { owner }),
    ...(group !== undefined && { group }),
  };
}

function mapPresent<Value>(
  record: Readonly<Record<string, Value>>,
  map: (key: string, value: Value) => Value | undefined,
): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(record).flatMap(([key, value]): [string, Value][] => {
      const mapped = map(key, value);
      return mapped === undefined ? [] : [[key, mapped]];
    }),
  );
}
