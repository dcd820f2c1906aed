import { SMTPServer } from "smtp-server";
import { createServer, listen, type RunningServer } from "../lib/server.ts";
import { parseMail } from "./mail.ts";
import { type MessageStore, openStore } from "./store.ts";

const maxMessageBytes = 5 << 20;

/** How the sinks listen. */
export interface SinkOptions {
  address: string;
  /** 0 takes a free port. */
  smtpPort: number;
  /** Webhooks and the list of messages; 0 takes a free port. */
  httpPort: number;
  /** Where the messages are kept, one JSON file each. */
  folder: string;
}

/** Both sinks, listening. */
export interface Sinks {
  readonly smtp: { readonly port: number };
  readonly http: RunningServer;
  close(): Promise<void>;
}

/**
 * Takes every mail and every webhook and keeps the newest 1,000 in a folder.
 * `POST /anything` is a webhook; `GET /messages?since=NUMBER` (or an ISO time) lists what came after.
 */
export async function startSinks(options: SinkOptions): Promise<Sinks> {
  const store = await openStore(options.folder);
  const http = await startHttp(options, store);
  const smtp = smtpServer(store);
  const port = await new Promise<number>((resolve, reject) => {
    smtp.once("error", reject);
    const server = smtp.listen(options.smtpPort, options.address, () => {
      const bound = server.address();
      resolve(bound !== null && typeof bound === "object" ? bound.port : options.smtpPort);
    });
  });
  // A client that breaks off must not end the process.
  smtp.removeAllListeners("error");
  smtp.on("error", (error) => console.log(JSON.stringify({ sink: "smtp", error: error.message })));
  return {
    smtp: { port },
    http,
    close: async () => {
      await Promise.all([new Promise<void>((resolve) => smtp.close(resolve)), http.close()]);
    },
  };
}

function smtpServer(store: MessageStore): SMTPServer {
  return new SMTPServer({
    authOptional: true,
    disabledCommands: ["AUTH", "STARTTLS"],
    size: maxMessageBytes,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        if (stream.sizeExceeded) {
          done(Object.assign(new Error("the message is larger than 5 MiB"), { responseCode: 552 }));
          return;
        }
        const { mailFrom, rcptTo } = session.envelope;
        const envelope = {
          from: mailFrom === false ? "" : mailFrom.address,
          to: rcptTo.map((recipient) => recipient.address),
        };
        store.add({ kind: "mail", path: "", ...envelope, ...parseMail(Buffer.concat(chunks)) }).then(
          () => done(),
          (error: Error) => done(error),
        );
      });
    },
  });
}

async function startHttp(options: SinkOptions, store: MessageStore): Promise<RunningServer> {
  const listenOptions = { address: options.address, port: options.httpPort, bodyLimitBytes: maxMessageBytes };
  const server = await createServer(listenOptions);
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", { parseAs: "string" }, (_request, body, done) => done(null, body));
  server.get<{ Querystring: { since?: string } }>("/messages", async (request, reply) => {
    const since = parseSince(request.query.since ?? "0");
    if (since === undefined) {
      return reply
        .code(400)
        .send({ error: `since is a message number or an ISO time, not "${request.query.since}"` });
    }
    return { messages: await store.list(since) };
  });
  server.post("/*", async (request, reply) => {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value ?? []].flat().join(", ")]),
    );
    const text = typeof request.body === "string" ? request.body : "";
    const { number } = await store.add({
      kind: "webhook",
      from: "",
      to: [],
      path: request.url,
      headers,
      text,
    });
    // Slack's clients look for `ok`.
    return reply.code(200).send({ ok: true, number });
  });
  return listen(server, listenOptions);
}

function parseSince(text: string): number | Date | undefined {
  if (/^\d+$/.test(text)) return Number(text);
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
