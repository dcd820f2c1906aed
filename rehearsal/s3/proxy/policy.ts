import { z } from "zod";
import { type Context, conditionsHold, isKnownOperator } from "./conditions.ts";
import { wildcard } from "./wildcard.ts";

/** Who asks. */
export type Principal =
  | { readonly type: "root" | "user"; readonly arn: string; readonly account: string }
  /** An AWS service, for example s3.amazonaws.com. */
  | { readonly type: "service"; readonly name: string }
  | { readonly type: "anonymous" };

/** One thing that somebody wants to do. */
export interface AccessRequest {
  readonly principal: Principal;
  /** For example `s3:PutObject`. */
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
}

const texts = z.union([z.string(), z.array(z.string())]);
const values = z.union([z.string(), z.boolean(), z.number()]);
const statementSchema = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Principal: z.union([z.literal("*"), z.record(z.string(), texts)]).optional(),
    NotPrincipal: z.union([z.literal("*"), z.record(z.string(), texts)]).optional(),
    Action: texts.optional(),
    NotAction: texts.optional(),
    Resource: texts.optional(),
    NotResource: texts.optional(),
    Condition: z
      .record(z.string(), z.record(z.string(), z.union([values, z.array(values)])))
      .superRefine((conditions, context) => {
        for (const operator of Object.keys(conditions)) {
          if (!isKnownOperator(operator)) context.addIssue(`the condition operator ${operator} is not known`);
        }
      })
      .optional(),
  })
  .refine(
    ({ Action, NotAction }) => (Action === undefined) !== (NotAction === undefined),
    "state either Action or NotAction",
  );
const policySchema = z.strictObject({
  Version: z.enum(["2012-10-17", "2008-10-17"]).optional(),
  Id: z.string().optional(),
  Statement: z.preprocess((given) => [given].flat(), z.array(statementSchema)),
});

type Statement = z.output<typeof statementSchema>;

/** A policy document that was understood as a whole. */
export type Policy = z.output<typeof policySchema>;

/**
 * Reads a policy document. What the evaluation would not understand is refused here, so that no statement is ever
 * passed over in silence.
 * @throws Error saying what is wrong with the document.
 */
export function parsePolicy(text: string): Policy {
  // Policy variables (AWS, IAM user guide, "IAM policy elements: Variables and tags") are not evaluated.
  if (/\$\{(?![*?$]\})/.test(text)) throw new Error("policy variables are not supported");
  const parsed = policySchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; "));
}

export type Effect = "deny" | "allow" | "none";

/**
 * What policies say of a request: an explicit deny beats every allow, and what nothing allows is not allowed (AWS, IAM
 * user guide, "Policy evaluation logic"). A policy of a user has no principal: it concerns whoever has it.
 */
export function effectOf(policies: readonly Policy[], request: AccessRequest): Effect {
  let allowed = false;
  for (const statement of policies.flatMap(({ Statement }) => Statement)) {
    if (!concerns(statement, request)) continue;
    if (statement.Effect === "Deny") return "deny";
    allowed = true;
  }
  return allowed ? "allow" : "none";
}

export interface Policies {
  /** Inline and attached policies of the user. */
  readonly identity: readonly Policy[];
  /** The policy of the bucket. */
  readonly resource: readonly Policy[];
}

/** Why a request is refused, as AWS words it; undefined where it is allowed. */
export function refusalOf(policies: Policies, request: AccessRequest): string | undefined {
  const identity = effectOf(policies.identity, request);
  const resource = effectOf(policies.resource, request);
  if (identity === "deny") return "with an explicit deny in an identity-based policy";
  if (resource === "deny") return "with an explicit deny in a resource-based policy";
  // Within one account either of the two suffices, and the root user needs none (IAM user guide, "Policy evaluation
  // for requests within a single account"; "AWS account root user").
  if (identity === "allow" || resource === "allow" || request.principal.type === "root") return undefined;
  return request.principal.type === "user"
    ? `because no identity-based policy allows the ${request.action} action`
    : `because no resource-based policy allows the ${request.action} action`;
}

function concerns(statement: Statement, request: AccessRequest): boolean {
  return (
    matchesElement(statement.Action, statement.NotAction, request.action.toLowerCase(), true) &&
    matchesElement(statement.Resource, statement.NotResource, request.resource, false) &&
    concernsPrincipal(statement, request.principal) &&
    conditionsHold(statement.Condition ?? {}, request.context)
  );
}

function matchesElement(
  wanted: string | string[] | undefined,
  excluded: string | string[] | undefined,
  value: string,
  ignoreCase: boolean,
): boolean {
  const matches = (pattern: string) => wildcard(ignoreCase ? pattern.toLowerCase() : pattern, value);
  if (excluded !== undefined) return ![excluded].flat().some(matches);
  // The policy of a topic or key may leave out the resource: it is the one that has the policy.
  return wanted === undefined || [wanted].flat().some(matches);
}

function concernsPrincipal({ Effect, Principal, NotPrincipal }: Statement, principal: Principal): boolean {
  if (NotPrincipal !== undefined) return !isNamed(NotPrincipal, principal, true);
  return Principal === undefined || isNamed(Principal, principal, Effect === "Deny");
}

/**
 * To allow something to an account leaves it to the account who may: a user needs a policy of its own besides. To deny
 * it to an account denies it to everybody there (IAM user guide, "AWS account principals").
 */
function isNamed(
  named: "*" | Record<string, string | string[]>,
  principal: Principal,
  accountMeansAll: boolean,
): boolean {
  if (named === "*") return true;
  const { AWS = [], Service = [] } = named;
  if (principal.type === "service") return [Service].flat().includes(principal.name);
  const principals = [AWS].flat();
  if (principals.includes("*")) return true;
  if (principal.type === "anonymous") return false;
  const account = [principal.account, `arn:aws:iam::${principal.account}:root`];
  const byAccount = accountMeansAll || principal.type === "root";
  return (
    principals.includes(principal.arn) || (byAccount && principals.some((each) => account.includes(each)))
  );
}
