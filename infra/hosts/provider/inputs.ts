import { z } from "zod";
import { fileAssetSchema } from "../../provider/asset.ts";
import { isAbsolutePath, pathRule } from "./paths.ts";
import { isUnitName } from "./units.ts";

const absolutePath = z.string().refine(isAbsolutePath, pathRule);
const mode = z
  .string()
  .regex(/^0[0-7]{3,4}$/, 'a mode is written in octal with a leading zero, for example "0644"');
// A number is what a host reports of an account that has no name.
const account = z
  .string()
  .regex(/^([a-z_][a-z0-9_-]{0,31}|[0-9]+)$/, "a user or group name is up to 32 of a-z, 0-9, _ and -");
const digest = z.string().regex(/^[0-9a-f]{64}$/, "a SHA-256 is 64 lower-case hexadecimal digits");
const unitName = z
  .string()
  .refine(isUnitName, "a unit name ends in its kind, for example node_exporter.service or dump.timer");

/** How to reach a host. Who may log in is the host's cloud-init's business. */
export const connectionSchema = z.object({
  address: z.string().min(1),
  port: z.int().min(1).max(65_535).default(22),
  /** Root, or a user that may run `sudo -n`. */
  user: z.string().regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a user name is up to 32 of a-z, 0-9, _ and -"),
  privateKey: z.string(),
  hostKey: z
    .string()
    .regex(
      /^(ssh-|ecdsa-)[a-z0-9-]+ [A-Za-z0-9+/]+=*( .*)?$/,
      'a host key is a line of the host\'s /etc/ssh/ssh_host_*_key.pub: "ssh-ed25519 AAAA…"',
    ),
  /** How long a booting host is waited for. */
  connectTimeoutSeconds: z.number().positive().max(3600).default(300),
});

export const sourceSchema = z.object({
  url: z
    .string()
    .refine(isDownloadable, "a source is an http or https address without user name and password"),
  /** Of what the URL gives, not of the member. */
  sha256: digest,
  /** The path within the .tar.gz or .tar.xz that the URL gives. */
  member: z.string().min(1).optional(),
});

export const fileSchema = z
  .object({
    content: z.string().optional(),
    source: sourceSchema.optional(),
    /** A file of the machine that runs the program: for what is too large to be recorded for each host. */
    asset: fileAssetSchema.optional(),
    mode: mode.optional(),
    owner: account.default("root"),
    group: account.default("root"),
    activates: z.array(unitName).default([]),
    /** A program with arguments that must accept the content before anything changes; `%s` is the content's path. */
    validate: z
      .array(z.string().min(1))
      .refine(
        (argv) => argv.slice(1).includes("%s"),
        'an argument of the program is "%s", the file to look at',
      )
      .optional(),
    sensitive: z.boolean().default(false),
  })
  .refine(
    ({ content, source, asset }) =>
      [content, source, asset].filter((each) => each !== undefined).length === 1,
    "a file has either content, source or asset",
  )
  .refine(
    (file) => file.validate === undefined || file.content !== undefined,
    "a source or an asset is known by its checksum: only a content can be validated",
  )
  .refine(
    (file) => !file.sensitive || file.content !== undefined,
    "a source comes from a server and an asset from a plain file: neither can be sensitive",
  )
  .transform((file) => ({ ...file, mode: file.mode ?? (file.sensitive ? "0600" : "0644") }))
  .refine(
    (file) => !file.sensitive || /^0+[0-7]?[0-7]0$/.test(file.mode),
    "a sensitive file gives nothing to others: its mode ends in 0",
  );

export const directorySchema = z.object({
  mode: mode.default("0755"),
  owner: account.default("root"),
  group: account.default("root"),
});

export const userSchema = z.object({
  name: account,
  home: absolutePath.optional(),
  groups: z.array(account).default([]),
  shell: absolutePath.default("/usr/sbin/nologin"),
});

export const unitSchema = z.object({
  name: unitName,
  /** Absent: a unit that the distribution brings. */
  content: z.string().min(1).optional(),
  enabled: z.boolean().default(true),
  state: z.enum(["started", "stopped", "none"]).default("started"),
  reloadable: z.boolean().default(false),
  /** For a unit that may cut the host off, such as a firewall: stopped again where a new connection fails afterwards. */
  stopIfUnreachable: z.boolean().optional(),
});

/**
 * What one host gets. Files and directories are keyed by path: a difference then shows the one file that differs, and
 * a secret content hides itself only.
 */
export const deliverySchema = z.object({
  connection: connectionSchema,
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, "a delivery's name is up to 32 of a-z, 0-9 and -")
    .default("lab"),
  /**
   * Properties of the machine that it takes over only by a restart. When one changes, a preview says so, and the
   * delivery comes again after it: everything has to run as before.
   */
  machine: z.record(z.string(), z.unknown()).default({}),
  /** Packages of the distribution, installed where missing, never upgraded and never removed. */
  packages: z
    .array(
      z
        .string()
        .regex(
          /^[a-z0-9][a-z0-9+.-]+$/,
          "a package name is of a-z, 0-9, +, - and ., for example postgresql-16",
        ),
    )
    .default([]),
  files: z.record(z.string(), fileSchema).default({}),
  directories: z.record(z.string(), directorySchema).default({}),
  users: z.array(userSchema).default([]),
  units: z.array(unitSchema).default([]),
});

export type Connection = z.output<typeof connectionSchema>;
export type DeliveryInputs = z.output<typeof deliverySchema>;
export type DeliveredFile = DeliveryInputs["files"][string];
export type DeliveredUnit = DeliveryInputs["units"][number];

function isDownloadable(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return ["http:", "https:"].includes(protocol) && username === "" && password === "";
}
