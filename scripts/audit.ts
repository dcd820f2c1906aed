import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import type { Context } from "./context.ts";
import { exitCodes, kindOf } from "./exit-codes.ts";

/** Who runs a command. */
export interface Actor {
  /** System account that it runs as. */
  account: string;
  /** Whoever became that account by sudo; `null` where nobody did, as for a timer. */
  sudoUser: string | null;
  /** Number of the account that logged in, which no later change of account hides; `null` for services. */
  loginUid: number | null;
}

/** What the kernel says where nobody logged in. */
const noLogin = 4_294_967_295;

/** Who runs this program. */
export async function readActor(): Promise<Actor> {
  const text = await readFile("/proc/self/loginuid", "utf8").catch(() => "");
  const loginUid = Number.parseInt(text, 10);
  return {
    account: accountName(),
    sudoUser: process.env.SUDO_USER ?? null,
    loginUid: Number.isNaN(loginUid) || loginUid === noLogin ? null : loginUid,
  };
}

/**
 * Does what makes, changes or removes something, and then writes the one event `audit`: who ran which command with
 * which arguments, from when to when, and how it ended. Arguments are never secret: what is, dbkeeper takes from files.
 */
export async function audited(
  context: Context,
  command: string,
  argv: readonly string[],
  work: () => Promise<void>,
): Promise<void> {
  const startedAt = context.now().toISOString();
  const actor = await readActor();
  const tell = (outcome: keyof typeof exitCodes) => {
    const { account, sudoUser } = actor;
    const who = sudoUser === null ? account : `${sudoUser} as ${account}`;
    context.report.event("info", "audit", `audit: ${command} by ${who}: ${outcome}`, {
      command,
      arguments: argv,
      ...actor,
      startedAt,
      finishedAt: context.now().toISOString(),
      outcome,
      exitCode: exitCodes[outcome].code,
    });
  };
  try {
    await work();
  } catch (error) {
    tell(kindOf(error));
    throw error;
  }
  tell("ok");
}

/** An account need not have a name, for example inside a container. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}
