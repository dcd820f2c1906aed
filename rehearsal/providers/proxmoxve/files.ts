import { z } from "zod";
import { defineResource } from "../../../infra/provider/resource.ts";
import type { Proxmox } from "./client.ts";

const downloadInputs = z.object({
  nodeName: z.string(),
  datastoreId: z.string(),
  contentType: z.enum(["import", "iso"]),
  url: z.string(),
  fileName: z.string(),
  checksum: z.string().optional(),
  checksumAlgorithm: z.enum(["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]).optional(),
  overwrite: z.boolean().default(true),
});

const contentItem = z.array(z.object({ volid: z.string(), size: z.number() }));

/** `proxmoxve.download.File`: a node fetches a file and checks its digest. */
export const download = defineResource({
  token: "proxmoxve:download/file:File",
  inputs: downloadInputs,
  replaceOn: ["nodeName", "datastoreId", "contentType", "url", "fileName", "checksum", "checksumAlgorithm"],
  deleteBeforeReplace: true,
  create: async ({ client, signal }: { client: Proxmox; signal: AbortSignal }, wanted) => {
    const { nodeName, datastoreId, contentType, fileName } = wanted;
    const id = `${datastoreId}:${contentType}/${fileName}`;
    // PVE itself accepts a file that is there already when its checksum is right, and refuses any other.
    const task = await client.post(`/nodes/${nodeName}/storage/${datastoreId}/download-url`, {
      content: contentType,
      url: wanted.url,
      filename: fileName,
      checksum: wanted.checksum,
      "checksum-algorithm": wanted.checksumAlgorithm,
    });
    await client.finish(nodeName, task, signal);
    return { id, outputs: { size: (await findVolume(client, nodeName, datastoreId, id)) ?? 0 } };
  },
  read: async ({ client }, id, { inputs }) => {
    const { nodeName, datastoreId } = inputs;
    if (nodeName === undefined || datastoreId === undefined) throw new Error("a download cannot be imported");
    const size = await findVolume(client, nodeName, datastoreId, id);
    return size === undefined ? undefined : { inputs: downloadInputs.parse(inputs), outputs: { size } };
  },
  update: async (_call, _id, { outputs }) => ({ size: outputs.size ?? 0 }),
  delete: async ({ client, signal }, id, { inputs }) => {
    const { nodeName, datastoreId } = inputs;
    if (nodeName === undefined || datastoreId === undefined) return;
    if ((await findVolume(client, nodeName, datastoreId, id)) === undefined) return;
    const task = await client.delete(
      `/nodes/${nodeName}/storage/${datastoreId}/content/${encodeURIComponent(id)}`,
    );
    // A volume that is gone at once comes without a task.
    if (task !== null) await client.finish(nodeName, task, signal);
  },
});

/** Size of a volume in bytes; undefined where there is none. */
async function findVolume(
  client: Proxmox,
  node: string,
  storage: string,
  volid: string,
): Promise<number | undefined> {
  const items = contentItem.parse(await client.get(`/nodes/${node}/storage/${storage}/content`));
  return items.find((item) => item.volid === volid)?.size;
}

const snippetInputs = z.object({
  nodeName: z.string(),
  datastoreId: z.string(),
  contentType: z.literal("snippets"),
  sourceRaw: z.strictObject({ data: z.string(), fileName: z.string() }),
});

/**
 * `proxmoxve.FileLegacy` for snippets: cloud-init data on a node. As with the real provider any change is a
 * replacement that makes the new file before it deletes the old one: with one name for both nothing is left.
 */
export const snippet = defineResource({
  token: "proxmoxve:index/fileLegacy:FileLegacy",
  inputs: snippetInputs,
  replaceOn: ["nodeName", "datastoreId", "contentType", "sourceRaw"],
  create: async ({ client }: { client: Proxmox }, { nodeName, datastoreId, sourceRaw }) => {
    await client.putSnippet(nodeName, datastoreId, sourceRaw.fileName, sourceRaw.data);
    return { id: `${datastoreId}:snippets/${sourceRaw.fileName}`, outputs: { fileName: sourceRaw.fileName } };
  },
  read: async ({ client }, _id, { inputs }) => {
    const { nodeName, datastoreId, sourceRaw } = snippetInputs.parse(inputs);
    const data = await client.snippet(nodeName, datastoreId, sourceRaw.fileName);
    if (data === undefined) return undefined;
    return {
      inputs: { nodeName, datastoreId, contentType: "snippets" as const, sourceRaw: { ...sourceRaw, data } },
      outputs: { fileName: sourceRaw.fileName },
    };
  },
  update: async (_call, _id, _recorded, { sourceRaw }) => ({ fileName: sourceRaw.fileName }),
  delete: async ({ client }, _id, { inputs }) => {
    const { nodeName, datastoreId, sourceRaw } = snippetInputs.parse(inputs);
    await client.deleteSnippet(nodeName, datastoreId, sourceRaw.fileName);
  },
});
