import { z } from "zod";
import { withMeta } from "../../provider/meta.ts";
import { apiPath } from "../client.ts";
import { configResource } from "./config-object.ts";
import { authId, comment, fingerprint, host, line, objectName, port } from "./values.ts";

/** Another Proxmox Backup Server, from which or to which sync jobs copy backups. */
export const remoteInputs = z.object({
  name: objectName,
  host,
  /** Default 8007. */
  port: port.optional(),
  /** At the other server: it reads what a job pulls, or writes what a job pushes. */
  authId,
  /** Of that user, or the value of that token. Secret. */
  password: withMeta(
    line.min(1, "the password of a remote is not empty").max(1024, "a password has at most 1024 characters"),
    { secret: true },
  ),
  /** Of the other server's certificate, where no authority that the system knows has signed it. */
  fingerprint: fingerprint.optional(),
  /** Connects through the proxy that is set for this server. */
  useNodeProxy: z.boolean().default(false),
  comment: comment.optional(),
});

export const remote = configResource({
  token: "pbs:index:Remote",
  kind: "remote",
  file: "remote",
  inputs: remoteInputs,
  identity: ["name"],
  writeOnly: ["password"],
  presumed: ["password"],
  serverDefaults: { port: 8007 },
  idOf: (inputs) => inputs.name,
  createAt: (inputs) => ({ path: "/config/remote", parameters: { name: inputs.name } }),
  itemPath: (id) => apiPath`/config/remote/${id}`,
  identityOf: (id) => ({ name: id }),
});
