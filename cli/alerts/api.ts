import { z } from "zod";
import { HttpsCaller, textOf } from "../../rehearsal/lib/https.ts";
import { exitCodes, UserError } from "../terminal.ts";

/** What a stack says of its Alertmanager: where it is, who vouches for it, and how to log in. */
export const accessSchema = z.looseObject({
  services: z.looseObject({ alertmanager: z.string() }),
  certificateAuthorities: z.string(),
  monitoringLogin: z.object({ user: z.string(), password: z.string() }),
});

export type AlertmanagerAccess = z.output<typeof accessSchema>;

/** A condition on a label, as the API has it. */
export interface ApiMatcher {
  readonly name: string;
  readonly value: string;
  readonly isRegex: boolean;
  /** False negates. */
  readonly isEqual: boolean;
}

const matcherSchema = z.object({
  name: z.string(),
  value: z.string(),
  isRegex: z.boolean(),
  isEqual: z.boolean().default(true),
});

const alertSchema = z.object({
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  startsAt: z.string(),
  status: z.object({
    state: z.string(),
    silencedBy: z.array(z.string()),
    inhibitedBy: z.array(z.string()),
  }),
});

export type FiringAlert = z.output<typeof alertSchema>;

const silenceSchema = z.object({
  id: z.string(),
  matchers: z.array(matcherSchema),
  startsAt: z.string(),
  endsAt: z.string(),
  createdBy: z.string(),
  comment: z.string(),
  status: z.object({ state: z.enum(["active", "pending", "expired"]) }),
});

export type Silence = z.output<typeof silenceSchema>;

/** A silence to be made; with an id, the one that it takes the place of. */
export interface NewSilence {
  readonly id?: string;
  readonly matchers: readonly ApiMatcher[];
  readonly startsAt: string;
  readonly endsAt: string;
  readonly createdBy: string;
  readonly comment: string;
}

const timeoutMs = 10_000;

/** Alertmanager's API, version 2. Every call fails for the user where the server cannot be reached or refuses. */
export class AlertmanagerApi {
  readonly #access: AlertmanagerAccess;

  constructor(access: AlertmanagerAccess) {
    this.#access = access;
  }

  /** What fires now, also what is silenced or inhibited. */
  async firing(): Promise<FiringAlert[]> {
    return z.array(alertSchema).parse(await this.#call("GET", "/alerts"));
  }

  /** Also those that have ended, for some days. */
  async silences(): Promise<Silence[]> {
    return z.array(silenceSchema).parse(await this.#call("GET", "/silences"));
  }

  /** Gives the id, another one where an older silence was replaced. */
  async silence(silence: NewSilence): Promise<string> {
    return z.object({ silenceID: z.string() }).parse(await this.#call("POST", "/silences", silence))
      .silenceID;
  }

  async expire(id: string): Promise<void> {
    await this.#call("DELETE", `/silence/${encodeURIComponent(id)}`);
  }

  async #call(method: string, path: string, body?: object): Promise<unknown> {
    const { services, certificateAuthorities, monitoringLogin } = this.#access;
    const { hostname, port, origin } = new URL(services.alertmanager);
    const caller = new HttpsCaller(
      { host: hostname, port: Number(port || 443) },
      { caCertificate: certificateAuthorities },
    );
    const login = Buffer.from(`${monitoringLogin.user}:${monitoringLogin.password}`).toString("base64");
    const timer = setTimeout(() => caller.close(), timeoutMs);
    try {
      const { status, text } = await caller
        .call(
          method,
          `/api/v2${path}`,
          {
            authorization: `Basic ${login}`,
            ...(body === undefined ? {} : { "content-type": "application/json" }),
          },
          body === undefined ? undefined : JSON.stringify(body),
        )
        .then(async (answer) => ({ status: answer.status, text: await textOf(answer) }))
        .catch((error: unknown) => {
          throw unreachable(origin, error);
        });
      if (status === 200) return text === "" ? undefined : JSON.parse(text);
      if (status === 401) {
        throw new UserError(`Alertmanager at ${origin} refuses the stack's login`, {
          hint: "run `./lab up` (or `pulumi up` for a stack of your own), so that host and stack have the same",
        });
      }
      throw new UserError(`Alertmanager answered ${status} to ${method} ${path}: ${text.trim()}`);
    } finally {
      clearTimeout(timer);
      caller.close();
    }
  }
}

function unreachable(origin: string, error: unknown): UserError {
  const reason = error instanceof Error ? error.message : String(error);
  return new UserError(`Alertmanager at ${origin} cannot be reached: ${reason}`, {
    hint: "`./lab status` says what runs; from elsewhere, the firewall lets in what `monitoring.webFrom` names",
    exitCode: exitCodes.unavailable,
    cause: error,
  });
}
