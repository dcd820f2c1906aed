import { rm } from "node:fs/promises";
import { mayUseBackup, requireBackup, volidIn } from "./backup-content-routes.ts";
import { checksumAlgorithms, download } from "./download.ts";
import { failure, parameterError } from "./errors.ts";
import { boolean, node, oneOf, parsed, pattern, storageId, text as textField, vmid } from "./fields.ts";
import { contentType } from "./formats.ts";
import { backupOf, listBackupVolumes, removeBackup, snapshotOf } from "./pbs-storage.ts";
import { type Route, route } from "./route.ts";
import { nodeOf } from "./simulator.ts";
import { fileOfVolume, filePath, listVolumes, requireContent, shownPath, storageOf } from "./volumes.ts";

/** Files on a node's storages. */
export const contentRoutes: Route[] = [
  route({
    method: "GET",
    path: "/nodes/{node}/storage/{storage}/content",
    params: {
      node: node(),
      storage: storageId(),
      content: parsed(contentType).optional(),
      vmid: vmid().optional(),
    },
    permit: (caller, params) =>
      caller.require(`/storage/${params.storage}`, ["Datastore.Audit", "Datastore.AllocateSpace"], true),
    run: async (params, { sim, caller }) => {
      nodeOf(sim, params.node);
      const volumes =
        storageOf(sim, params.storage, params.node).type === "pbs"
          ? await listBackupVolumes(sim, params.storage, params.vmid)
          : await listVolumes(sim, params.node, params.storage);
      return volumes.filter(
        (volume) =>
          (params.content === undefined || volume.content === params.content) &&
          (params.vmid === undefined || volume.vmid === params.vmid) &&
          (volume.content !== "backup" || mayUseBackup(caller, volume.volid)),
      );
    },
  }),
  route({
    method: "DELETE",
    path: "/nodes/{node}/storage/{storage}/content/{volume}",
    params: { node: node(), storage: storageId(), volume: textField() },
    permit: (caller, params) => requireBackup(caller, volidIn(params)),
    run: async (params, { sim, caller }) => {
      nodeOf(sim, params.node);
      storageOf(sim, params.storage, params.node);
      const backup = snapshotOf(volidIn(params));
      if (backup !== undefined) {
        const { volid: name } = await backupOf(sim, volidIn(params));
        const about = { node: params.node, type: "imgdel", id: name.replaceAll(":", "@"), user: caller.id };
        return sim.tasks.start(about, async (log) => {
          await removeBackup(sim, params.storage, backup.snapshot);
          log(`Removed volume '${name}'`);
        });
      }
      const volid = params.volume.includes(":") ? params.volume : `${params.storage}:${params.volume}`;
      if (!volid.startsWith(`${params.storage}:`)) {
        throw parameterError({ volume: `volume '${volid}' is not on storage '${params.storage}'` });
      }
      const volume = (await listVolumes(sim, params.node, params.storage)).find(
        (each) => each.volid === volid,
      );
      if (volume === undefined) throw failure(`volume '${volid}' does not exist`);
      if (volume.vmid !== undefined) {
        throw failure(`cannot remove image, a guest with VMID '${volume.vmid}' exists!`);
      }
      const path = await fileOfVolume(sim, params.node, volid);
      return sim.tasks.start(
        { node: params.node, type: "imgdel", id: `${volid.replaceAll(":", "@")}`, user: caller.id },
        async (log) => {
          await rm(path);
          log(`Removed volume '${volid}'`);
        },
      );
    },
  }),
  route({
    method: "POST",
    path: "/nodes/{node}/storage/{storage}/download-url",
    params: {
      node: node(),
      storage: storageId(),
      url: pattern(/^https?:\/\/.*$/),
      content: oneOf(["iso", "vztmpl", "import"]),
      filename: textField(255),
      checksum: textField().optional(),
      "checksum-algorithm": oneOf(checksumAlgorithms).optional(),
      "verify-certificates": boolean().optional(),
    },
    permit: (caller, params) => {
      caller.require(`/storage/${params.storage}`, ["Datastore.AllocateTemplate"]);
      if (!caller.may("/", "Sys.Audit") || !caller.may("/", "Sys.Modify")) {
        caller.require(`/nodes/${params.node}`, ["Sys.AccessNetwork"]);
      }
    },
    run: (params, { sim, caller }) => {
      nodeOf(sim, params.node);
      requireContent(params.storage, storageOf(sim, params.storage, params.node), params.content);
      if ((params.checksum === undefined) !== (params["checksum-algorithm"] === undefined)) {
        const missing = params.checksum === undefined ? "checksum" : "checksum-algorithm";
        throw parameterError({ [missing]: `missing property - '${missing}' requires this property` });
      }
      const path = filePath(sim, params.node, params.storage, params.content, params.filename);
      const shown = shownPath(sim, params.storage, params.content, params.filename);
      const about = { node: params.node, type: "download", id: params.filename, user: caller.id };
      const checksum = params.checksum?.toLowerCase();
      const algorithm = params["checksum-algorithm"];
      return sim.tasks.start(about, (log) =>
        download({
          url: params.url,
          path,
          shownPath: shown,
          verifyCertificates: params["verify-certificates"] ?? true,
          caFile: sim.config.downloadCaFile,
          checksum:
            checksum === undefined || algorithm === undefined ? undefined : { algorithm, value: checksum },
          log,
        }),
      );
    },
  }),
];
