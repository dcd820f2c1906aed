import * as z from "zod";

const absolutePath = z.string().startsWith("/", "must be an absolute path");

/** By what people are told: of reports, and of a unit that failed. */
export const channelsSchema = z
  .strictObject({
    /** Mail, handed to the system's own mail program, which knows the relay, its login and TLS. Default: none. */
    emails: z
      .array(
        z.strictObject({
          to: z.array(z.email()).min(1, "at least one address"),
          from: z.email(),
          /** Program that takes a message on its standard input with `-t -i`. Default `/usr/sbin/sendmail`. */
          program: absolutePath.default("/usr/sbin/sendmail"),
          /** Handed to it as `-C`, with which it finds another relay than the system's. Default: the system's. */
          configFile: absolutePath.optional(),
          /** How long it may take to hand the message over, in seconds. Default 120. */
          timeoutSeconds: z.number().positive().default(120),
        }),
      )
      .default([]),
    /** Addresses that take JSON, with the text for people as `text`. Default: none. */
    webhooks: z
      .array(
        z.strictObject({
          /** File with the URL, which is often a secret: readable by the system user only (0600 or 0400). */
          urlFile: absolutePath,
          /** How long it may take to answer, in seconds. Default 30. */
          timeoutSeconds: z.number().positive().default(30),
        }),
      )
      .default([]),
  })
  .prefault({});

/** Where reports are kept, and which are sent by `channels`. */
export const reportSchema = z
  .strictObject({
    /** Folder that keeps every report as Markdown, HTML and JSON. Default: `reports/<cluster>` below `directory`. */
    directory: absolutePath.optional(),
    /** Reports that are sent; all of them are written. Default: all three. */
    send: z.array(z.enum(["daily", "weekly", "monthly"])).default(["daily", "weekly", "monthly"]),
  })
  .prefault({});
