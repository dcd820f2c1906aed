import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { Properties } from "../../provider/values.ts";
import type { Parameters, ParameterValue } from "../client.ts";
import { coerce, defaultsOf, toKebab } from "./properties.ts";

/** How a property is written where the server does not take its value as it is. */
export interface Codec {
  toServer(value: unknown): ParameterValue;
  /** @param recorded the property as Pulumi knows it, for what the server does not show of it */
  fromServer(value: unknown, recorded?: unknown): unknown;
}

/** How the properties of one kind of object are written at the server. */
export interface PropertyRules {
  readonly shape: Readonly<Record<string, z.ZodType>>;
  /** Properties that make up the id or are known to Pulumi alone: they are neither read nor changed. */
  readonly fixed: readonly string[];
  /** Secrets that the server takes but never shows: a change of one is a change of what was recorded. */
  readonly writeOnly?: readonly string[];
  /**
   * Those of the secrets that every object has. An imported one is presumed to have the program's, since otherwise no
   * program could describe what it imports.
   */
  readonly presumed?: readonly string[];
  /** Properties that are somebody else's where the program does not set them: then they are not even looked at. */
  readonly leftAlone?: readonly string[];
  readonly codecs?: Readonly<Record<string, Codec>>;
  /** Names at the server that differ from ours by more than the case. */
  readonly names?: Readonly<Record<string, string>>;
  /** What the server assumes for properties that only some of the objects have; the schema holds the others' defaults. */
  readonly serverDefaults?: Properties;
}

/** The way between a resource's properties and the parameters of the API. */
export interface PropertyMap {
  /** Everything that creation sends. */
  encode(inputs: Properties): Parameters;
  /** What the server shows, as the inputs that would describe it. */
  decode(data: unknown, recorded: Properties, wanted?: Properties): Properties;
  /** The recorded values of what the server does not show. */
  unseen(recorded: Properties): Properties;
  /** Whether two values of a property mean the same to the server. */
  same(property: string, before: unknown, after: unknown): boolean;
  /** What an update sends, without the digest; undefined when there is nothing to change. */
  changes(now: Properties, recorded: Properties, wanted: Properties): Parameters | undefined;
}

/** Builds the map for a kind of object. */
export function propertyMap(rules: PropertyRules): PropertyMap {
  const { shape, codecs = {}, writeOnly = [], leftAlone = [], presumed = [] } = rules;
  const hidden = new Set([...rules.fixed, ...writeOnly]);
  const readable = Object.keys(shape).filter((property) => !hidden.has(property));
  const filledIn = defaultsOf(shape);
  const assumed = rules.serverDefaults ?? {};
  const defaults: Properties = { ...assumed, ...filledIn };
  const nameOf = (property: string) => rules.names?.[property] ?? toKebab(property);
  const write = (property: string, value: unknown) =>
    codecs[property]?.toServer(value) ?? (value as ParameterValue);

  const map: PropertyMap = {
    encode: (inputs) =>
      Object.fromEntries(
        [...readable, ...writeOnly]
          .filter((property) => inputs[property] !== undefined)
          .map((property) => [nameOf(property), write(property, inputs[property])]),
      ),

    decode(data, recorded, wanted = {}) {
      // Nothing at all is recorded of what is being imported.
      const importing = Object.keys(recorded).length === 0 && Object.keys(wanted).length === 0;
      const found: Properties = {};
      for (const property of readable) {
        const ours = importing || recorded[property] !== undefined || wanted[property] !== undefined;
        if (!ours && leftAlone.includes(property)) continue;
        const value = (data as Properties)[nameOf(property)];
        const codec = codecs[property];
        const read = value === undefined || !codec ? value : codec.fromServer(value, recorded[property]);
        const known = read === undefined ? filledIn[property] : coerce(shape[property] ?? z.unknown(), read);
        const unsaid = recorded[property] === undefined && isDeepStrictEqual(known, assumed[property]);
        if (known !== undefined && !unsaid) found[property] = known;
      }
      return found;
    },

    unseen: (recorded) =>
      Object.fromEntries(
        writeOnly
          .filter((property) => recorded[property] !== undefined)
          .map((property) => [property, recorded[property]]),
      ),

    same: (property, before, after) =>
      (before === undefined && presumed.includes(property)) ||
      isDeepStrictEqual(before ?? defaults[property], after ?? defaults[property]),

    changes(now, recorded, wanted) {
      const changed = [
        ...readable.filter((property) => !map.same(property, now[property], wanted[property])),
        ...writeOnly.filter((property) => !map.same(property, recorded[property], wanted[property])),
      ];
      if (changed.length === 0) return undefined;
      // Not everything that has a default can be deleted at the server.
      const values = changed.map((property) => [property, wanted[property] ?? defaults[property]] as const);
      return {
        ...Object.fromEntries(
          values
            .filter(([, value]) => value !== undefined)
            .map(([property, value]) => [nameOf(property), write(property, value)]),
        ),
        delete: values.filter(([, value]) => value === undefined).map(([property]) => nameOf(property)),
      };
    },
  };
  return map;
}
