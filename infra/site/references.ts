import type { Problem } from "./problems.ts";

/** A value that must be one of the known names; silent where the section it points into did not parse. */
export function reference(
  path: string,
  value: string,
  known: readonly string[] | undefined,
  kind: string,
): Problem[] {
  if (known === undefined || known.includes(value)) return [];
  return [{ path, value, reason: `there is no such ${kind}`, allowed: choices(known) }];
}

/** What is called so; never what an object inherits, such as its constructor. */
export function named<T>(record: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The known names as text for a person. */
export function choices(known: readonly string[] | undefined): string {
  return known && known.length > 0 ? known.join(", ") : "none is defined yet";
}

/** Every value that occurs a second time. */
export function duplicates<T>(
  values: readonly T[],
  list: string,
  property: string,
  reason: (value: T) => string,
): Problem[] {
  return values.flatMap((value, index) =>
    values.indexOf(value) === index
      ? []
      : [
          {
            path: `${list}[${index}].${property}`,
            value,
            reason: reason(value),
            allowed: "a value of its own",
          },
        ],
  );
}
