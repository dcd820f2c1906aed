import { join } from "node:path";
import { ruleGroups } from "../../alert-rules/groups.ts";
import type { Inventory } from "../../alert-rules/inventory.ts";
import type { Alert, RuleGroup } from "../../alert-rules/rule.ts";
import { inventoryOf } from "../../infra/monitoring/inventory.ts";
import { parseSite, type Site, type SiteInput } from "../../infra/site.ts";
import { checkout } from "../../rehearsal/lab/instance.ts";
import { machineOf } from "../../rehearsal/lab/stack.ts";
import { requireStack } from "../stack-name.ts";
import { UserError } from "../terminal.ts";

/** The rules of a stack, with what they were computed from. */
export interface StackRules {
  readonly site: Site;
  readonly inventory: Inventory;
  readonly groups: readonly RuleGroup[];
}

/**
 * Computes a stack's rules as `pulumi up` would.
 *
 * @throws {UserError} where there is no such stack, or it needs a lab on this machine
 * @throws {SiteError} where its site is wrong
 */
export async function readRules(stack: string): Promise<StackRules> {
  await requireStack(stack);
  const { default: stackOf }: { default: (machine: unknown) => SiteInput } = await import(
    join(checkout, "stacks", `${stack}.ts`)
  );
  const machine = await machineOf(checkout, stack);
  if (stackOf.length > 0 && machine === undefined) {
    throw new UserError(`the stack ${stack} has no site before \`./lab up\` has looked at this machine`, {
      hint: "run `./lab up`, or ask for another stack with --stack",
    });
  }
  const site = parseSite(stackOf(machine));
  const inventory = inventoryOf(site);
  return { site, inventory, groups: ruleGroups(inventory) };
}

export function alertsOf(groups: readonly RuleGroup[]): (Alert & { readonly group: string })[] {
  return groups.flatMap(({ name, rules }) =>
    rules.flatMap((rule) => (rule.kind === "alert" ? [{ ...rule, group: name }] : [])),
  );
}
