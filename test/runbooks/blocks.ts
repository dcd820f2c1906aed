/** Where the lines of a block are typed. `anywhere` is the machine that runs `./lab`. */
export const blockPlaces = ["primary", "standby", "monitoring", "backup-host", "anywhere"] as const;
export type BlockPlace = (typeof blockPlaces)[number];

/** The words in <angle brackets> that a reader fills in, and the test too (see placeholders.ts). */
export const placeholders = [
  "cluster",
  "database",
  "gid",
  "host",
  "index",
  "pid",
  "role",
  "run",
  "slot",
  "standby",
  "table",
  "unit",
  "user",
] as const;
export type Placeholder = (typeof placeholders)[number];

/** A fenced block of a runbook page, as its info string describes it. */
export interface Block {
  readonly page: string;
  /** Of its first line of text, from 1. */
  readonly line: number;
  /** The heading above it, empty before the first. */
  readonly section: string;
  readonly language: "sql" | "sh";
  /** Absent only where `notHere` says where else. */
  readonly place: BlockPlace | undefined;
  /** Of a block in SQL. */
  readonly database: string;
  /** It alters something, harmlessly on a lab that is well. */
  readonly changes: boolean;
  /** Why a rehearsal must not or cannot run it. */
  readonly notHere: string | undefined;
  readonly text: string;
}

export interface Reading {
  readonly blocks: readonly Block[];
  /** `page:line: what is wrong and what to write instead`. */
  readonly problems: readonly string[];
}

const fence = /^(\s*)```(.*)$/;
const placeholderPattern = /<([a-z][a-z0-9_-]*)>/g;

/** Reads the fenced blocks of a page and says which of them break the convention (CONTRIBUTING.md, "Runbooks"). */
export function readBlocks(page: string, markdown: string): Reading {
  const blocks: Block[] = [];
  const problems: string[] = [];
  const lines = markdown.split("\n");
  let section = "";
  for (let at = 0; at < lines.length; at++) {
    const [, indent, info] = fence.exec(lines[at] ?? "") ?? [];
    section = /^#+ (.*)/.exec(lines[at] ?? "")?.[1] ?? section;
    if (indent === undefined || info === undefined) continue;
    const end = lines.findIndex((line, index) => index > at && /^\s*```\s*$/.test(line));
    if (end < 0) {
      problems.push(`${page}:${at + 1}: a block is not closed: add \`\`\``);
      break;
    }
    const text = lines.slice(at + 1, end).map((line) => line.replace(indent, ""));
    const fields = fieldsOf(info, text.join("\n"));
    problems.push(...fields.problems.map((problem) => `${page}:${at + 1}: ${problem}`));
    if (fields.block && fields.problems.length === 0)
      blocks.push({ page, line: at + 2, section, ...fields.block, text: text.join("\n") });
    at = end;
  }
  return { blocks, problems };
}

function fieldsOf(info: string, text: string) {
  const [language, ...words] = [...info.matchAll(/[\w-]+="[^"]*"|\S+/g)].map(String);
  if (language !== "sql" && language !== "sh")
    return { problems: [`a block in \`${language ?? ""}\`: write sql or sh, else nobody can try it`] };
  const problems: string[] = [];
  let place: BlockPlace | undefined;
  let database = "postgres";
  let changes = false;
  let notHere: string | undefined;
  for (const word of words) {
    const [name = "", value] = word.split(/=(.*)/s);
    if (isOneOf(blockPlaces, word) && place === undefined) place = word;
    else if (word === "changes") changes = true;
    else if (name === "database" && value && language === "sql") database = value;
    else if (name === "not-here" && /^".+"$/.test(value ?? "")) notHere = value?.slice(1, -1);
    else
      problems.push(`\`${word}\` says nothing: a place, changes, not-here="why" or, for SQL, database=NAME`);
  }
  if (place === undefined && notHere === undefined)
    problems.push(`it does not say where: add one of ${blockPlaces.join(", ")}`);
  if (language === "sql" && place === "anywhere") problems.push("SQL needs a server: primary or standby");
  problems.push(...problemsOfText(text));
  if (notHere === undefined)
    problems.push(
      ...problemsOfRun(
        `${database}
${text}`,
        changes,
      ),
    );
  return { block: { language, place, database, changes, notHere } as const, problems };
}

/** What alters a host or a server although it is not written in SQL that a read-only transaction refuses. */
const altering = [
  /\bsystemctl (--\S+ )*(start|stop|restart|reload|reset-failed|enable|disable|mask|kill|daemon-reload)\b/,
  /\bpg_(terminate_backend|cancel_backend|reload_conf|promote|wal_replay_(pause|resume)|switch_wal)\b/,
  /\bdbkeeper (run|validate|prune(?! --dry-run)|archive|wal (?!status)|maintain|observe)\b/,
  /\.\/lab (up|down|backup|silence|ack|pulumi -- (up|refresh))\b/,
  /(^|\s)(rm|mv|cp|kill|pkill|umount|mount|chown|chmod|truncate|tee) /m,
];

function problemsOfText(text: string): string[] {
  return [
    ...(/\|\| (true|:)(\s|$)/m.test(text)
      ? ["`|| true` hides what is wrong: say what it means, as in `|| echo 'no failed login'`"]
      : []),
    ...(text.trim() === "" ? ["the block is empty"] : []),
  ];
}

function problemsOfRun(text: string, changes: boolean): string[] {
  const unknown = [...text.matchAll(placeholderPattern)]
    .map(([, name = ""]) => name)
    .filter((name) => !isOneOf(placeholders, name));
  const found = changes ? undefined : altering.map((pattern) => pattern.exec(text)?.[0]).find(Boolean);
  return [
    ...unknown.map((name) => `<${name}> is unknown: use one of ${placeholders.join(", ")}`),
    ...(found === undefined ? [] : [`\`${found.trim()}\` alters something: say changes, or not-here="why"`]),
  ];
}

/** The text with each <placeholder> replaced. */
export function fillIn(text: string, values: Readonly<Record<Placeholder, string>>): string {
  return text.replaceAll(placeholderPattern, (whole, name: string) =>
    isOneOf(placeholders, name) ? values[name] : whole,
  );
}

function isOneOf<const T extends string>(names: readonly T[], name: string): name is T {
  return (names as readonly string[]).includes(name);
}
