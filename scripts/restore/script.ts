import { quoteIdentifier } from "../postgres/quote.ts";
import { isKeyword, nameIn, type Statement, type Token } from "../postgres/statements.ts";

/** What the script of a database says about the database itself, for a database of another name. */
export interface DatabaseStatements {
  create: string;
  /** Owner, settings, rights and comment, in their order. */
  properties: string[];
}

/**
 * Takes the statements about the database itself from what `pg_restore --create --schema-only` writes, and puts
 * another name in. Fails where the script does not create a database.
 */
export function databaseStatements(script: readonly Statement[], name: string): DatabaseStatements {
  let create: string | undefined;
  const properties: string[] = [];
  let authorization: string | undefined;
  for (const statement of script) {
    if (isAuthorization(statement)) {
      authorization = isKeyword(statement.tokens[0], "SET") ? statement.text : undefined;
      continue;
    }
    const subject = databaseIn(statement);
    if (subject === undefined) continue;
    const { text } = statement;
    const renamed = text.slice(0, subject.start) + quoteIdentifier(name) + text.slice(subject.end);
    if (isKeyword(statement.tokens[0], "CREATE")) create = renamed;
    else if (authorization === undefined) properties.push(renamed);
    else properties.push(authorization, renamed, "RESET SESSION AUTHORIZATION");
  }
  if (create === undefined) throw new Error("the dump does not say how to create its database");
  return { create, properties };
}

/** Every role that a script needs: owners, grantors, grantees, and those whom policies and mappings are for. */
export function rolesIn(script: readonly Statement[]): string[] {
  const roles = new Set<string>();
  for (const { tokens } of script) for (const role of rolesOf(tokens)) roles.add(role);
  return [...roles].toSorted();
}

/** The roles that a script creates. */
export function rolesCreatedBy(script: readonly Statement[]): string[] {
  return createdBy(script, "ROLE");
}

/** The tablespaces that a script creates. */
export function tablespacesCreatedBy(script: readonly Statement[]): string[] {
  return createdBy(script, "TABLESPACE");
}

/** The tablespaces that a script puts things into. */
export function tablespacesIn(script: readonly Statement[]): string[] {
  const names = script.flatMap(({ tokens }) => {
    const name =
      startsWith(tokens, "SET", "default_tablespace") && tokens[3]?.kind !== "string"
        ? nameIn(tokens[3])
        : startsWith(tokens, "CREATE", "DATABASE")
          ? nameAfter(tokens, "TABLESPACE")
          : undefined;
    return name === undefined ? [] : [name];
  });
  return [...new Set(names)].toSorted();
}

function createdBy(script: readonly Statement[], kind: string): string[] {
  return script.flatMap(({ tokens }) => {
    const name = startsWith(tokens, "CREATE", kind) ? nameIn(tokens[2]) : undefined;
    return name === undefined ? [] : [name];
  });
}

/** Whether a statement is one with which a grant is made in another role's name, or ends that. */
function isAuthorization({ tokens }: Statement): boolean {
  return startsWith(tokens, "SET", "SESSION", "AUTHORIZATION") || startsWith(tokens, "RESET", "SESSION");
}

/** The token that names the database which a statement is about; `undefined` where it is about something else. */
function databaseIn({ tokens }: Statement): Token | undefined {
  const [first, second] = tokens;
  const at = tokens.findIndex((token) => isKeyword(token, "DATABASE"));
  if (at < 0) return undefined;
  const before = tokens[at - 1];
  const direct = at === 1 && (isKeyword(first, "CREATE") || isKeyword(first, "ALTER"));
  const setting = isKeyword(first, "ALTER") && isKeyword(second, "ROLE") && isKeyword(before, "IN");
  const about = ["COMMENT", "SECURITY", "GRANT", "REVOKE"].some((word) => isKeyword(first, word));
  return direct || setting || (about && isKeyword(before, "ON")) ? tokens[at + 1] : undefined;
}

function rolesOf(tokens: readonly Token[]): string[] {
  const named = (...names: (string | undefined)[]) => names.filter((name) => name !== undefined);
  if (startsWith(tokens, "SET", "SESSION", "AUTHORIZATION")) {
    return tokens[3]?.kind === "string" ? [tokens[3].text] : named(nameIn(tokens[3]));
  }
  if (startsWith(tokens, "CREATE", "POLICY")) {
    const to = tokens.findIndex((token) => isKeyword(token, "TO"));
    return to < 0 ? [] : listAt(tokens, to + 1);
  }
  if (startsWith(tokens, "CREATE", "USER", "MAPPING")) return listAt(tokens, 4);
  if (startsWith(tokens, "ALTER", "ROLE")) return named(nameIn(tokens[2]));
  const grants =
    isKeyword(tokens[0], "GRANT") ||
    isKeyword(tokens[0], "REVOKE") ||
    startsWith(tokens, "ALTER", "DEFAULT", "PRIVILEGES");
  if (grants) {
    const last = tokens.findLastIndex((token) => isKeyword(token, "TO") || isKeyword(token, "FROM"));
    const role = startsWith(tokens, "ALTER") ? nameAfter(tokens, "ROLE") : undefined;
    return [...named(role), ...(last < 0 ? [] : listAt(tokens, last + 1))];
  }
  if (!isKeyword(tokens[0], "ALTER")) return [];
  const owner = tokens.findLastIndex((token) => isKeyword(token, "OWNER"));
  return owner > 0 && isKeyword(tokens[owner + 1], "TO") ? named(nameIn(tokens[owner + 2])) : [];
}

/** Role names divided by commas; the keyword PUBLIC is none. */
function listAt(tokens: readonly Token[], start: number): string[] {
  const names: string[] = [];
  for (let at = start; at < tokens.length; at += 2) {
    const name = nameIn(tokens[at]);
    if (name !== undefined && !isKeyword(tokens[at], "PUBLIC")) names.push(name);
    if (tokens[at + 1]?.text !== ",") break;
  }
  return names;
}

function nameAfter(tokens: readonly Token[], keyword: string): string | undefined {
  const at = tokens.findIndex((token) => isKeyword(token, keyword));
  if (at < 0) return undefined;
  return nameIn(tokens[at + 1]?.text === "=" ? tokens[at + 2] : tokens[at + 1]);
}

function startsWith(tokens: readonly Token[], ...keywords: string[]): boolean {
  return keywords.every((keyword, index) => isKeyword(tokens[index], keyword));
}
