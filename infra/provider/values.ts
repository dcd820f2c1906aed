/** A property bag as it crosses the provider protocol: JSON plus the two markers below. */
export type Properties = Record<string, unknown>;

// The markers are part of Pulumi's wire format (sdk/go/common/resource/properties.go in pulumi/pulumi).
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";
/** Stands for a string that is only known after the update. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const unknownValues: ReadonlySet<unknown> = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  unknownValue,
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

export function isRecord(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether any leaf is only known after the update: such a value can be neither validated nor compared. */
export function containsUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(containsUnknown);
  if (isRecord(value)) return Object.values(value).some(containsUnknown);
  return unknownValues.has(value);
}

/** Marks a value as secret, so that the engine encrypts it in the state and blinds it in every output. */
export function secret(value: unknown): Properties {
  return { [signatureKey]: secretSignature, value };
}

/** Whether a value is marked as secret as a whole. */
export function isSecret(value: unknown): boolean {
  return isRecord(value) && value[signatureKey] === secretSignature;
}

/** The value with every secret marker taken off. */
export function unwrapSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrapSecrets);
  if (!isRecord(value)) return value;
  if (value[signatureKey] === secretSignature) return unwrapSecrets(value.value);
  return mapRecord(value, unwrapSecrets);
}

/** The value without undefined properties: the wire format has none, so they would come back as null. */
export function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  return isRecord(value) ? mapRecord(value, withoutUndefined) : value;
}

function mapRecord(record: Properties, map: (value: unknown) => unknown): Properties {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, map(value)]),
  );
}
