import { z } from "zod";

/** What a property's type says beyond its values. */
export interface PropertyMeta {
  /** Its value is shown nowhere: neither in a failure nor by the engine. */
  readonly secret?: boolean;
  /** What to point out about a value that is allowed all the same. */
  readonly advise?: (value: unknown) => string | undefined;
}

const metas = new WeakMap<z.ZodType, PropertyMeta>();

/** Adds to a type what its values do not tell; the type may then be made optional or get a default. */
export function withMeta<Type extends z.ZodType>(type: Type, meta: PropertyMeta): Type {
  metas.set(type, meta);
  return type;
}

/** What {@link withMeta} said about a type. */
export function metaOf(type: z.ZodType): PropertyMeta {
  for (let at: z.ZodType | undefined = type; at; at = innerOf(at)) {
    const meta = metas.get(at);
    if (meta) return meta;
  }
  return {};
}

/** The type of a property of an object, of a record's values or of an array's elements. */
export function partOf(type: z.ZodType, key: PropertyKey): z.ZodType | undefined {
  const inner = innerOf(type);
  if (inner) return partOf(inner, key);
  if (type instanceof z.ZodObject) return (type.shape as Record<PropertyKey, z.ZodType>)[key];
  if (type instanceof z.ZodArray) return type.element as z.ZodType;
  return type instanceof z.ZodRecord ? (type.valueType as z.ZodType) : undefined;
}

/** The type that an optional one or one with a default is made of. */
export function innerOf(type: z.ZodType): z.ZodType | undefined {
  const wrapped =
    type instanceof z.ZodOptional ||
    type instanceof z.ZodDefault ||
    type instanceof z.ZodPrefault ||
    type instanceof z.ZodNonOptional ||
    type instanceof z.ZodNullable ||
    type instanceof z.ZodReadonly;
  if (wrapped) return type.unwrap() as z.ZodType;
  return type instanceof z.ZodPipe ? (type.in as z.ZodType) : undefined;
}
