import * as z from "zod";

/** What a check must find. Values are compared in the form in which PostgreSQL writes them as text. */
const expectationSchema = z.union([
  /** At least one row. */
  z.literal("rows"),
  /** Not a single row. */
  z.literal("no-rows"),
  /** Exactly one row, whose first column is this: a number by its value, all else by its text. */
  z.strictObject({ equals: z.union([z.string(), z.number(), z.boolean(), z.null()]) }),
]);

/** See {@link expectationSchema}. */
export type Expectation = z.output<typeof expectationSchema>;

const checkSchema = z.strictObject({
  /** Name in events and manifests, unique. */
  name: z.string().min(1).max(63),
  /** Databases whose restored copy it is run on: `all` (default), or these. */
  databases: z.union([z.literal("all"), z.array(z.string().min(1)).min(1)]).default("all"),
  /** One query, whose rows are looked at. It runs in a transaction that cannot write. */
  sql: z
    .string()
    .transform((text) => text.replace(/[\s;]+$/, ""))
    .pipe(z.string().min(1)),
  /** Default `rows`. */
  expect: expectationSchema.default("rows"),
  /** How long it may take, in seconds; then it has failed. Default 60. */
  timeoutSeconds: z.int().min(1).max(86_400).default(60),
});

/** One of the site's own checks on restored copies. */
export type Check = z.output<typeof checkSchema>;

/** The section `checks` of the configuration. */
export const checksSchema = z
  .array(checkSchema)
  .refine((checks) => new Set(checks.map(({ name }) => name)).size === checks.length, "names must differ");
