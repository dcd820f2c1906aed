import { formatTable, type TextStream, UserError } from "../terminal.ts";
import type { AlertmanagerApi, ApiMatcher, FiringAlert, Silence } from "./api.ts";
import { matcherText, matches, usage } from "./matchers.ts";

/** How an acknowledgement is told from other silences, also in Alertmanager's own pages. */
export const acknowledgementMark = "[ack]";

export interface Author {
  readonly by: string;
  readonly comment: string;
  readonly seconds: number;
}

interface Output {
  readonly json: boolean;
  readonly out?: TextStream;
}

/** Sends nothing of what matches, for a time. */
export async function silence(
  api: AlertmanagerApi,
  matchers: readonly ApiMatcher[],
  { by, comment, seconds }: Author,
  { json, out = process.stdout }: Output,
): Promise<void> {
  const covered = (await api.firing()).filter(({ labels }) => matches(matchers, labels));
  const { startsAt, endsAt } = span(seconds);
  const id = await api.silence({ matchers, startsAt, endsAt, createdBy: by, comment });
  if (json) {
    out.write(
      `${JSON.stringify({ id, endsAt, createdBy: by, comment, matchers, firing: covered.length })}\n`,
    );
    return;
  }
  const now =
    covered.length === 0 ? "nothing that fires now" : `${covered.length} firing now: ${names(covered)}`;
  out.write(`silenced until ${shortTime(endsAt)}: ${matchers.map(matcherText).join(" ")} (${now})\n`);
  out.write(`./lab silence expire ${id}   ends it before\n`);
}

/**
 * Says of firing alerts that somebody is on them: until then neither they nor their next level are sent. Each is
 * acknowledged for itself, so that the same alert of another host still comes; who does it again prolongs it.
 */
export async function acknowledge(
  api: AlertmanagerApi,
  { alert, instance }: { readonly alert: string; readonly instance: string | undefined },
  author: Author,
  { json, out = process.stdout }: Output,
): Promise<void> {
  const firing = await api.firing();
  const meant = firing.filter(
    ({ labels }) => labels.alertname === alert && (instance === undefined || labels.instance === instance),
  );
  if (meant.length === 0) throw notFiring(alert, instance, firing);
  const silences = await api.silences();
  const { startsAt, endsAt } = span(author.seconds);
  const done = [];
  for (const { labels } of meant) {
    const matchers = Object.entries(labels).map(([name, value]) => ({
      name,
      value,
      isRegex: false,
      isEqual: true,
    }));
    const before = silences.find(
      (each) => each.status.state === "active" && isAcknowledgement(each) && isSame(each.matchers, matchers),
    );
    const id = await api.silence({
      ...(before ? { id: before.id } : {}),
      matchers,
      startsAt: before?.startsAt ?? startsAt,
      endsAt,
      createdBy: author.by,
      comment: `${acknowledgementMark} ${author.comment}`,
    });
    done.push({ id, endsAt, labels });
  }
  if (json) {
    out.write(`${JSON.stringify(done)}\n`);
    return;
  }
  for (const { labels } of done) out.write(`acknowledged until ${shortTime(endsAt)}: ${describe(labels)}\n`);
  out.write(
    "Nobody is told of them until then, nor when they are resolved; what still fires then is sent again.\n",
  );
}

/** A list of silences, those that have ended only where asked for. */
export async function listSilences(
  api: AlertmanagerApi,
  { all }: { readonly all: boolean },
  { json, out = process.stdout }: Output,
): Promise<void> {
  const [everything, firing] = await Promise.all([api.silences(), api.firing()]);
  const shown = everything
    .filter(({ status }) => all || status.state !== "expired")
    .sort((one, other) => one.endsAt.localeCompare(other.endsAt))
    .map((silence) => ({
      ...silence,
      firing: firing.filter(({ status }) => status.silencedBy.includes(silence.id)).length,
    }));
  if (json) {
    const rows = shown.map(({ status, ...silence }) => ({
      ...silence,
      state: status.state,
      acknowledgement: isAcknowledgement(silence),
    }));
    out.write(`${JSON.stringify(rows, undefined, 2)}\n`);
    return;
  }
  if (shown.length === 0) {
    out.write("nothing is silenced\n");
    return;
  }
  out.write(
    formatTable(
      shown,
      [
        { title: "ID", value: ({ id }) => id.slice(0, shortId) },
        { title: "KIND", value: (each) => (isAcknowledgement(each) ? "ack" : "silence") },
        { title: "STATE", value: ({ status }) => status.state },
        { title: "UNTIL", value: ({ endsAt }) => shortTime(endsAt) },
        { title: "BY", value: ({ createdBy }) => createdBy },
        { title: "FIRING", value: ({ firing }) => firing, align: "right" },
        { title: "OF", value: ({ matchers }) => matchers.map(matcherText).join(" ") },
        { title: "COMMENT", value: ({ comment }) => comment.replace(`${acknowledgementMark} `, "") },
      ],
      out,
    ),
  );
}

/** Ends silences before their time. The beginning of an id is enough. */
export async function expireSilences(
  api: AlertmanagerApi,
  ids: readonly string[],
  { json, out = process.stdout }: Output,
): Promise<void> {
  const open = (await api.silences()).filter(({ status }) => status.state !== "expired");
  const meant = ids.map((id) => {
    const [found, ...others] = open.filter((silence) => silence.id.startsWith(id));
    if (found === undefined) {
      throw new UserError(`there is no silence ${id} that has not ended`, {
        hint: "`./lab silence list` shows them",
      });
    }
    if (others.length > 0)
      throw usage(`${others.length + 1} silences begin with ${id}`, "write more of the id");
    return found;
  });
  for (const { id } of meant) await api.expire(id);
  if (json) {
    out.write(`${JSON.stringify(meant.map(({ id }) => id))}\n`);
    return;
  }
  for (const { matchers } of meant) out.write(`sent again: ${matchers.map(matcherText).join(" ")}\n`);
}

const shortId = 8;

export function isAcknowledgement({ comment }: Pick<Silence, "comment">): boolean {
  return comment.startsWith(acknowledgementMark);
}

function isSame(one: readonly ApiMatcher[], other: readonly ApiMatcher[]): boolean {
  const texts = (matchers: readonly ApiMatcher[]) => matchers.map(matcherText).sort().join(" ");
  return texts(one) === texts(other);
}

function span(seconds: number): { readonly startsAt: string; readonly endsAt: string } {
  const now = Date.now();
  return { startsAt: new Date(now).toISOString(), endsAt: new Date(now + seconds * 1000).toISOString() };
}

function notFiring(alert: string, instance: string | undefined, firing: readonly FiringAlert[]): UserError {
  const what = instance === undefined ? alert : `${alert} of ${instance}`;
  return new UserError(`${what} does not fire`, {
    hint: firing.length === 0 ? "nothing fires" : `firing: ${names(firing)}`,
  });
}

function names(alerts: readonly FiringAlert[]): string {
  return [
    ...new Set(alerts.map(({ labels }) => [labels.alertname, labels.instance].filter(Boolean).join(" "))),
  ]
    .sort()
    .join(", ");
}

/** Name and host first, then whatever else tells it from others. */
function describe({ alertname, instance, ...labels }: Readonly<Record<string, string>>): string {
  const known = new Set(["site", "job", "area"]);
  const rest = Object.entries(labels).filter(([name]) => !known.has(name));
  return [alertname, instance, ...rest.map(([name, value]) => `${name}=${value}`)].filter(Boolean).join(" ");
}

/** 2026-06-01 14:03 UTC */
function shortTime(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
