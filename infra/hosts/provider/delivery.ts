import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Call, defineResource } from "../../provider/resource.ts";
import { isRecord } from "../../provider/values.ts";
import { canonicalJson } from "./canonical.ts";
import { checkDelivery } from "./check.ts";
import { differences } from "./differences.ts";
import { inputsFromFacts } from "./drift.ts";
import { type DeliveryInputs, deliverySchema } from "./inputs.ts";
import { contentHash, filesAsDelivered, planOf } from "./plan.ts";
import { redact } from "./redact.ts";
import { applyOnHost, askHost, type RunOptions } from "./remote.ts";
import { unitPath } from "./units.ts";

/** A host that once was delivered to runs; it gets the time of a restart. */
const knownHostWaitSeconds = 60;

export interface DeliveryOutputs {
  /** Over everything delivered; how the host is reached does not count. */
  readonly contentHash: string;
  /** Path → SHA-256 of every file, unit files included, sensitive files left out. */
  readonly installed: Readonly<Record<string, string>>;
}

/** Files, directories, users and systemd units of one host. */
export const delivery = defineResource<null, typeof deliverySchema.shape, DeliveryOutputs>({
  token: "hosts:index:Delivery",
  inputs: deliverySchema,
  checkTogether: checkDelivery,
  replaceOn: ["name"],
  // Two deliveries cannot own the same files.
  deleteBeforeReplace: true,

  sameValue: (property, recorded, wanted) =>
    property === "files"
      ? isDeepStrictEqual(comparableFiles(recorded), comparableFiles(wanted))
      : isDeepStrictEqual(recorded, wanted),

  async notesOnPreview({ urn }, recorded, wanted) {
    // What an older program recorded says nothing of the machine, so nothing of a change either.
    const reasons = recorded.inputs.machine ? differences("", recorded.inputs.machine, wanted.machine) : [];
    if (reasons.length === 0) return [];
    return [
      {
        severity: "warning",
        message: `${urn.split("::").at(-1)} restarts for this, and the delivery then sees that everything runs again: ${reasons.join(", ")}`,
      },
    ];
  },

  async create(call, inputs) {
    const id = `${inputs.name}/${randomUUID()}`;
    return { id, outputs: await deliver(call, id, inputs) };
  },

  async read(call, id, recorded) {
    const inputs = requireRecorded(id, recorded.inputs);
    const { plan } = planOf("facts", { id, owner: call.urn }, inputs);
    const facts = await guarded(inputs, () => askHost(inputs.connection, plan, knownHost(call, inputs)));
    if (!facts) return undefined;
    const found = inputsFromFacts(inputs, facts);
    const digests = Object.entries(facts.files).flatMap(([path, file]): [string, string][] =>
      file.sha256 ? [[path, file.sha256]] : [],
    );
    return { inputs: found, outputs: outputsOf(found, Object.fromEntries(digests), inputs) };
  },

  async update(call, id, recorded, wanted) {
    const { contentHash: hash, installed } = recorded.outputs;
    if (hash !== undefined && installed !== undefined && sameDelivery(recorded.inputs, wanted)) {
      return { contentHash: hash, installed };
    }
    return deliver(call, id, wanted);
  },

  async delete(call, id, recorded) {
    const inputs = requireRecorded(id, recorded.inputs);
    const { plan } = planOf("remove", { id, owner: call.urn }, inputs);
    try {
      await guarded(inputs, () => applyOnHost(inputs.connection, plan, [], knownHost(call, inputs)));
    } catch (error) {
      throw new Error(
        `${messageOf(error)}\nIf the host is gone for good, take the delivery out of the state: pulumi state delete '${call.urn}'`,
        { cause: error },
      );
    }
  },
});

async function deliver(call: Call<null>, id: string, inputs: DeliveryInputs): Promise<DeliveryOutputs> {
  const { plan, contents } = planOf("apply", { id, owner: call.urn }, inputs);
  const options = {
    ...optionsOf(call, inputs.connection.connectTimeoutSeconds),
    suspects: inputs.units.filter((unit) => unit.stopIfUnreachable).map(({ name }) => name),
  };
  const installed = await guarded(inputs, () => applyOnHost(inputs.connection, plan, contents, options));
  return outputsOf(inputs, installed, inputs);
}

function outputsOf(
  described: DeliveryInputs,
  digests: Readonly<Record<string, string>>,
  { files, units }: DeliveryInputs,
): DeliveryOutputs {
  const shown = new Set([
    ...Object.entries(files).flatMap(([path, file]) => (file.sensitive ? [] : [path])),
    ...units.map((unit) => unitPath(unit.name)),
  ]);
  return {
    contentHash: contentHash(described),
    installed: Object.fromEntries(Object.entries(digests).filter(([path]) => shown.has(path))),
  };
}

function comparableFiles(files: unknown): unknown {
  return isRecord(files) ? filesAsDelivered(files as DeliveryInputs["files"]) : files;
}

function sameDelivery(recorded: Partial<DeliveryInputs>, wanted: DeliveryInputs): boolean {
  const delivered = ({ connection: _, files = {}, ...rest }: Partial<DeliveryInputs>) =>
    canonicalJson({ ...rest, files: filesAsDelivered(files) });
  return delivered(recorded) === delivered(wanted);
}

function requireRecorded(id: string, recorded: Partial<DeliveryInputs>): DeliveryInputs {
  const parsed = deliverySchema.safeParse(
    Object.fromEntries(Object.entries(recorded).filter(([property]) => property in deliverySchema.shape)),
  );
  if (parsed.success) return parsed.data;
  throw new Error(
    `delivery ${id} cannot be read without its recorded inputs: it cannot be imported; create it, it takes over what an earlier one of the same URN left on the host`,
  );
}

function knownHost(call: Call<null>, inputs: DeliveryInputs): RunOptions {
  return optionsOf(call, Math.min(knownHostWaitSeconds, inputs.connection.connectTimeoutSeconds));
}

function optionsOf({ signal, timeoutSeconds }: Call<null>, waitSeconds: number): RunOptions {
  return { signal, timeoutSeconds, waitSeconds };
}

/** No message may carry a secret, whoever wrote it; hence no cause either. */
async function guarded<Result>(inputs: DeliveryInputs, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw new Error(redact(messageOf(error), inputs));
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
