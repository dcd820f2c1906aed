import { z } from "zod";
import { type Call, defineResource } from "../../provider/resource.ts";
import { apiPath, type PbsClient } from "../client.ts";
import { isGone } from "../error.ts";
import { namespace as namespaceName, storeName } from "./values.ts";

/** A namespace of a datastore: backups in it have retention and permissions of their own, and share chunks with all. */
export const namespaceInputs = z.object({
  store: storeName,
  /** From the root of the datastore, for example `lab/vms`; the namespaces above it must exist. */
  ns: namespaceName,
  /** On deletion, removes the backups in it too; otherwise one that holds backups is not deleted. */
  deleteGroups: z.boolean().default(false),
});

type Inputs = z.output<typeof namespaceInputs>;

export const namespace = defineResource<PbsClient, typeof namespaceInputs.shape, object>({
  token: "pbs:index:Namespace",
  inputs: namespaceInputs,
  replaceOn: ["store", "ns"],

  async create(call, inputs) {
    const levels = inputs.ns.split("/");
    const parent = levels.slice(0, -1).join("/");
    if (await exists(call, inputs)) {
      throw new Error(
        `namespace ${inputs.ns} exists already in datastore ${inputs.store}: bring it under Pulumi with ` +
          `\`pulumi import pbs:index:Namespace NAME '${idOf(inputs)}'\`, or choose another name`,
      );
    }
    await call.client.post(
      pathOf(inputs.store),
      { name: levels.at(-1), parent: parent === "" ? undefined : parent },
      call.signal,
    );
    return { id: idOf(inputs), outputs: {} };
  },

  async read(call, id, { inputs: { deleteGroups = false } }) {
    const identity = identityOf(id);
    return (await exists(call, identity))
      ? { inputs: { ...identity, deleteGroups }, outputs: {} }
      : undefined;
  },

  // What is deleted with the namespace is known to Pulumi alone: there is nothing to tell the server.
  update: async () => ({}),

  async delete(call, id, { inputs: { deleteGroups = false } }) {
    const { store, ns } = identityOf(id);
    try {
      await call.client.delete(pathOf(store), { ns, "delete-groups": deleteGroups }, call.signal);
    } catch (error) {
      // The server words this refusal differently from one version to the next.
      if (!isGone(error) && (await exists(call, { store, ns }))) throw error;
    }
  },
});

async function exists(
  { client, signal }: Call<PbsClient>,
  { store, ns }: Pick<Inputs, "store" | "ns">,
): Promise<boolean> {
  try {
    const { data } = await client.get(pathOf(store), {}, signal);
    return (data as { readonly ns: string }[]).some((found) => found.ns === ns);
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

function pathOf(store: string): string {
  return apiPath`/admin/datastore/${store}/namespace`;
}

/** A namespace may hold slashes, a datastore's name may not. */
function idOf({ store, ns }: Pick<Inputs, "store" | "ns">): string {
  return `${store}/${ns}`;
}

function identityOf(id: string): Pick<Inputs, "store" | "ns"> {
  const slash = id.indexOf("/");
  const parsed = namespaceInputs.safeParse({ store: id.slice(0, slash), ns: id.slice(slash + 1) });
  if (slash > 0 && parsed.success) return parsed.data;
  throw new Error(`"${id}" is no id of a namespace; it is datastore/namespace, for example backups/lab/vms`);
}
