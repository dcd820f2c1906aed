import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it, with secrets unwrapped. */
export interface Recorded {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
}

/** What a resource computes for itself, by type; inputs are echoed anyway. */
export type Computed = (resource: Recorded) => Readonly<Record<string, unknown>>;

/**
 * Replaces the engine by a recorder. An invoke fails the test: the program makes none. Import what builds resources
 * only after this.
 */
export async function recordResources(computed: Computed = () => ({})): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  await pulumi.runtime.setMocks(
    {
      newResource({ type, name, inputs }) {
        const resource = { type, name, inputs: unwrap(inputs) as Record<string, unknown> };
        recorded.push(resource);
        return { id: `${name}-id`, state: { ...inputs, ...computed(resource) } };
      },
      call({ token }) {
        throw new Error(`unexpected invoke of ${token}`);
      },
    },
    "astronomy-lab",
    "test",
  );
  return recorded;
}

/** The value of an output; fails instead of waiting for ever where its producer fails. */
export async function resolved<T>(output: pulumi.Output<T>, timeoutSeconds = 10): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no value within ${timeoutSeconds} s`)),
      timeoutSeconds * 1000,
    );
    output.apply((value) => {
      clearTimeout(timer);
      resolve(value as T);
    });
  });
}

// Pulumi's wire format marks a secret with this key (sdk/nodejs/runtime/rpc.ts in pulumi/pulumi).
const signatureKey = "4dabf18193072939515e22adb298388d";

function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (typeof value !== "object" || value === null) return value;
  if (signatureKey in value && "value" in value) return unwrap(value.value);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, unwrap(each)]));
}
