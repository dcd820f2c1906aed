import * as z from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** A PostgreSQL server reached over its Unix socket by peer authentication: there is no password anywhere. */
export const connectionShape = {
  /** Folder of the server's Unix socket. Default `/var/run/postgresql`. */
  socketDirectory: absolutePath.default("/var/run/postgresql"),
  /** Port, which names the socket. Default 5432. */
  port: z.int().min(1).max(65_535).default(5432),
  /** Role to connect as: one that the server lets the system user have who runs dbkeeper. */
  role: z.string().min(1),
  /** Database for everything that concerns the whole cluster. Default `postgres`. */
  maintenanceDatabase: z.string().min(1).default("postgres"),
};

/** A server on another host, in place of a socket: only over TLS, and only where its certificate is for that host. */
export const networkSchema = z.strictObject({
  /** Name or address of the host. */
  host: z.string().regex(/^[^/\s]+$/, "must be the name or address of a host"),
  /** The password, in PostgreSQL's own form (`host:port:database:role:password`); only its owner may read it. */
  passwordFile: absolutePath,
  /** Certificate of the authority that has signed the server's, in PEM. */
  rootCertificate: absolutePath,
});

/** How to reach a server. */
export interface Connection {
  /** Means nothing where there is `network`. */
  socketDirectory: string;
  port: number;
  role: string;
  maintenanceDatabase: string;
  /** Default: the socket. */
  network?: z.output<typeof networkSchema> | undefined;
}

/** Where a connection leads to, for people. */
export function placeOf({ socketDirectory, port, network }: Connection): string {
  return `${network?.host ?? socketDirectory} port ${port}`;
}
