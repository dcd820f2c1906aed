/** A database that is named by a shell glob. */
export interface Glob {
  /** Whether it names exactly one database. */
  literal: boolean;
  matches(name: string): boolean;
}

/**
 * Reads a shell glob: `*`, `?`, `[abc]`, `[a-z]`, `[!abc]`; a backslash takes the next character as it is. Matches
 * whole names, case-sensitively. A bracket that is never closed stands for itself.
 */
export function parseGlob(pattern: string): Glob {
  let source = "";
  let literal = true;
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    const set = character === "[" ? setAt(characters, index) : undefined;
    if (character === "\\" && index + 1 < characters.length) {
      index += 1;
      source += escapeLiteral(characters[index] ?? "");
    } else if (set !== undefined) {
      source += set.source;
      index = set.end;
      literal = false;
    } else if (character === "*" || character === "?") {
      source += character === "*" ? ".*" : ".";
      literal = false;
    } else source += escapeLiteral(character);
  }
  const expression = new RegExp(`^${source}$`, "su");
  return { literal, matches: (name) => expression.test(name) };
}

function setAt(characters: readonly string[], start: number): { source: string; end: number } | undefined {
  const negated = characters[start + 1] === "!" || characters[start + 1] === "^";
  const first = start + (negated ? 2 : 1);
  // A bracket that comes first belongs to the set.
  const end = characters.indexOf("]", first + 1);
  if (end === -1) return undefined;
  const members = characters.slice(first, end);
  let inside = "";
  for (let index = 0; index < members.length; index++) {
    const from = members[index] ?? "";
    const to = members[index + 1] === "-" ? members[index + 2] : undefined;
    if (to === undefined) inside += escapeMember(from);
    else {
      if (from <= to) inside += `${escapeMember(from)}-${escapeMember(to)}`;
      index += 2;
    }
  }
  return { source: inside === "" ? "(?!)" : `[${negated ? "^" : ""}${inside}]`, end };
}

const escapeLiteral = (character: string) => character.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");
const escapeMember = (character: string) => character.replace(/[\\^\]-]/u, "\\$&");
