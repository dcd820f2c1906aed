import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import ts from "typescript";

/** What doc comments say about a value, and about the properties of the schema that it is. */
export interface Documented {
  readonly text?: string | undefined;
  readonly properties: ReadonlyMap<string, Documented>;
}

interface Source {
  readonly path: string;
  readonly constants: ReadonlyMap<string, ts.VariableDeclaration>;
  /** Local name → where it is declared. */
  readonly imports: ReadonlyMap<string, { readonly path: string; readonly name: string }>;
}

const nothing: Documented = { properties: new Map() };

/**
 * Reads the doc comments of zod schemas from their source: the comment of a property, or where it has none, that of
 * the constant that it is made from. So what an editor shows and what a package's schema says is written once.
 */
export class DocComments {
  readonly #sources = new Map<string, Source>();

  /** What a file says about one of its constants. */
  of(path: string, constant: string): Documented {
    const source = this.#source(path);
    const declaration = source.constants.get(constant);
    if (!declaration) return nothing;
    const inner = declaration.initializer ? this.#expression(declaration.initializer, source) : nothing;
    return { ...inner, text: commentOf(declaration) ?? inner.text };
  }

  #source(path: string): Source {
    const known = this.#sources.get(path);
    if (known) return known;
    const read = readSource(path);
    this.#sources.set(path, read);
    return read;
  }

  #named(name: string, source: Source): Documented {
    const imported = source.imports.get(name);
    return imported ? this.of(imported.path, imported.name) : this.of(source.path, name);
  }

  #expression(expression: ts.Expression, source: Source): Documented {
    if (ts.isIdentifier(expression)) return this.#named(expression.text, source);
    if (ts.isPropertyAccessExpression(expression)) {
      const base = this.#expression(expression.expression, source);
      if (expression.name.text === "shape") return base;
      // `inputs.shape.store` is that property, `type.optional` still the type.
      return base.properties.get(expression.name.text) ?? base;
    }
    if (ts.isObjectLiteralExpression(expression)) return this.#literal(expression, source);
    if (!ts.isCallExpression(expression)) return nothing;
    const called = this.#expression(expression.expression, source);
    const inArguments = expression.arguments.map((argument) => this.#argument(argument, source));
    return {
      text: called.text ?? inArguments.find(({ text }) => text)?.text,
      properties: new Map([called, ...inArguments].flatMap(({ properties }) => [...properties])),
    };
  }

  /** Of an argument only schemas count, such as that of an array's elements. */
  #argument(argument: ts.Expression, source: Source): Documented {
    const isSchema =
      ts.isIdentifier(argument) ||
      ts.isObjectLiteralExpression(argument) ||
      ts.isCallExpression(argument) ||
      ts.isPropertyAccessExpression(argument);
    return isSchema ? this.#expression(argument, source) : nothing;
  }

  #literal(literal: ts.ObjectLiteralExpression, source: Source): Documented {
    const properties = new Map<string, Documented>();
    for (const member of literal.properties) {
      if (ts.isSpreadAssignment(member)) {
        for (const [name, one] of this.#expression(member.expression, source).properties) {
          properties.set(name, one);
        }
        continue;
      }
      const name = member.name && ts.isIdentifier(member.name) ? member.name.text : undefined;
      if (name === undefined) continue;
      const value = ts.isPropertyAssignment(member)
        ? this.#expression(member.initializer, source)
        : ts.isShorthandPropertyAssignment(member)
          ? this.#named(name, source)
          : nothing;
      properties.set(name, { ...value, text: commentOf(member) ?? value.text });
    }
    return { properties };
  }
}

function readSource(path: string): Source {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const constants = new Map<string, ts.VariableDeclaration>();
  const imports = new Map<string, { path: string; name: string }>();
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) {
        if (ts.isIdentifier(declaration.name)) constants.set(declaration.name.text, declaration);
      }
    } else if (ts.isImportDeclaration(statement) && ts.isStringLiteral(statement.moduleSpecifier)) {
      const from = statement.moduleSpecifier.text;
      const bindings = statement.importClause?.namedBindings;
      if (!from.startsWith(".") || !bindings || !ts.isNamedImports(bindings)) continue;
      for (const { name, propertyName } of bindings.elements) {
        imports.set(name.text, {
          path: resolve(dirname(path), from),
          name: (propertyName ?? name).text,
        });
      }
    }
  }
  return { path, constants, imports };
}

/** The text before a declaration, on one line for each paragraph. */
function commentOf(node: ts.Node): string | undefined {
  const comments = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(comments.at(-1)?.comment);
  return text
    ?.replace(/\{@link ([^}]+)\}/g, "$1")
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, " ").trim())
    .join("\n\n");
}
