import { ownStack } from "../own-stack.ts";
import { UserError } from "../terminal.ts";
import { orAnotherStack, thisLabWithGuests } from "../this-lab.ts";
import { AlertmanagerApi, accessSchema } from "./api.ts";

/**
 * The Alertmanager of a stack.
 * @param stack a stack of the user's own backend; the lab on this machine where it is left out or names that
 * @throws UserError where there is none
 */
export async function openAlertmanager(stack: string | undefined): Promise<AlertmanagerApi> {
  const outputs = stack === undefined || stack === "rehearsal" ? await ofThisMachine() : await ofStack(stack);
  const access = accessSchema.safeParse(outputs);
  if (access.success) return new AlertmanagerApi(access.data);
  throw new UserError("the stack does not say where its Alertmanager is", {
    hint: stack === undefined ? "`./lab up` completes it" : `run \`pulumi up --stack ${stack}\` first`,
  });
}

async function ofThisMachine(): Promise<unknown> {
  const { prometheusOf } = await import("../../rehearsal/lab/status.ts");
  return prometheusOf(await thisLabWithGuests("no Alertmanager runs", orAnotherStack));
}

async function ofStack(stack: string): Promise<unknown> {
  const run = await ownStack(stack);
  return JSON.parse(await run(["stack", "output", "--json", "--show-secrets"]));
}
