/** A piece of a statement; `text` is the name itself for identifiers, without its quotes. */
export interface Token {
  kind: "word" | "identifier" | "string" | "symbol";
  text: string;
  start: number;
  end: number;
}

/** One statement of a script, without its semicolon; offsets of its tokens are within `text`. */
export interface Statement {
  text: string;
  tokens: Token[];
}

/**
 * Splits a script as pg_dump and pg_dumpall write them (without COPY data) into its statements. psql's own commands
 * and comments are left out. A semicolon in brackets, quotes or a dollar-quoted body ends nothing.
 */
export function splitStatements(script: string): Statement[] {
  const statements: Statement[] = [];
  let tokens: Token[] = [];
  let depth = 0;
  const finish = (end: number) => {
    const first = tokens[0];
    if (first !== undefined) {
      const { start } = first;
      const shifted = tokens.map((token) => ({
        ...token,
        start: token.start - start,
        end: token.end - start,
      }));
      statements.push({ text: script.slice(start, end).trimEnd(), tokens: shifted });
    }
    tokens = [];
    depth = 0;
  };
  for (let at = 0; at < script.length; ) {
    const skipped = skipBlank(script, at, tokens.length === 0);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    const token = readToken(script, at, tokens.at(-1));
    at = token.end;
    if (token.kind === "symbol") {
      if (token.text === "(") depth += 1;
      else if (token.text === ")") depth -= 1;
      else if (token.text === ";" && depth <= 0) {
        finish(token.start);
        continue;
      }
    }
    tokens.push(token);
  }
  finish(script.length);
  return statements;
}

/** Whether a token is this keyword, which pg_dump writes in capitals, as opposed to a name. */
export function isKeyword(token: Token | undefined, keyword: string): boolean {
  return token?.kind === "word" && token.text === keyword;
}

/** The name that a token stands for; `undefined` where it is none. */
export function nameIn(token: Token | undefined): string | undefined {
  return token?.kind === "identifier" || token?.kind === "word" ? token.text : undefined;
}

/** Where the next thing that counts begins: behind white space, comments and, at a statement's start, psql's commands. */
function skipBlank(script: string, at: number, atStart: boolean): number {
  const blank = match(/\s+|--[^\n]*/y, script, at);
  if (blank !== undefined) return at + blank.length;
  if (atStart && script[at] === "\\") return at + (match(/[^\n]*/y, script, at)?.length ?? 0);
  if (!script.startsWith("/*", at)) return at;
  let depth = 0;
  const bounds = /\/\*|\*\//g;
  bounds.lastIndex = at;
  for (let found = bounds.exec(script); found !== null; found = bounds.exec(script)) {
    depth += found[0] === "/*" ? 1 : -1;
    if (depth === 0) return bounds.lastIndex;
  }
  return script.length;
}

function readToken(script: string, start: number, before: Token | undefined): Token {
  const token = (kind: Token["kind"], raw: string, text = raw): Token => ({
    kind,
    text,
    start,
    end: start + raw.length,
  });
  if (script[start] === "'") {
    const escaped = before?.kind === "word" && before.end === start && /^e$/i.test(before.text);
    const raw = match(escaped ? /'(?:[^'\\]|\\[\s\S]|'')*'?/y : /'(?:[^']|'')*'?/y, script, start) ?? "'";
    return token("string", raw, raw.slice(1, -1).replaceAll("''", "'"));
  }
  const quoted = match(/"(?:[^"]|"")*"?/y, script, start);
  if (quoted !== undefined) return token("identifier", quoted, quoted.slice(1, -1).replaceAll('""', '"'));
  const dollar = match(/\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y, script, start);
  if (dollar !== undefined) {
    const close = script.indexOf(dollar, start + dollar.length);
    const end = close < 0 ? script.length : close + dollar.length;
    return token("string", script.slice(start, end), script.slice(start + dollar.length, close));
  }
  const word = match(/[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y, script, start);
  return word === undefined ? token("symbol", script.charAt(start)) : token("word", word);
}

function match(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  const found = pattern.exec(text)?.[0];
  return found === "" ? undefined : found;
}
