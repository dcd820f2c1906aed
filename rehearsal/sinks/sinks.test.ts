import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { parseMail } from "./mail.ts";
import { type Sinks, startSinks } from "./server.ts";
import { type Message, messageSchema, openStore } from "./store.ts";

let folder: string;
let sinks: Sinks;
const start = () => startSinks({ address: "127.0.0.1", smtpPort: 0, httpPort: 0, folder });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sinks-"));
  sinks = await start();
});
afterEach(async () => {
  await sinks.close();
  await rm(folder, { recursive: true, force: true });
});

async function messages(since: string): Promise<Message[]> {
  const response = await fetch(`${sinks.http.url}/messages?since=${encodeURIComponent(since)}`);
  return z.object({ messages: z.array(messageSchema) }).parse(await response.json()).messages;
}

async function sendMail(lines: readonly string[]): Promise<void> {
  const socket = connect(sinks.smtp.port, "127.0.0.1");
  const replies = createInterface({ input: socket })[Symbol.asyncIterator]();
  const say = async (command: string, code: string) => {
    socket.write(`${command}\r\n`);
    for (;;) {
      const { value } = await replies.next();
      if (!String(value).startsWith(code)) throw new Error(`${command}: ${value}`);
      if (String(value)[3] === " ") return;
    }
  };
  await replies.next();
  await say("EHLO test", "250");
  await say("MAIL FROM:<alerts@lab.test>", "250");
  await say("RCPT TO:<oncall@lab.test>", "250");
  await say("DATA", "354");
  await say([...lines, "."].join("\r\n"), "250");
  await say("QUIT", "221");
  socket.end();
}

describe("the sinks", () => {
  it("keep a mail with envelope, headers and readable text", async () => {
    await sendMail([
      "Subject: =?utf-8?q?Replikation_h=C3=A4ngt?=",
      "Content-Type: multipart/alternative;",
      ' boundary="b1"',
      "",
      "--b1",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: quoted-printable",
      "",
      "lag =3D 90 s, a long line that is =",
      "folded",
      "--b1",
      "Content-Type: text/html",
      "",
      "<b>lag</b>",
      "--b1--",
    ]);
    const [mail] = await messages("0");
    expect(mail).toMatchObject({ kind: "mail", number: 1, from: "alerts@lab.test", to: ["oncall@lab.test"] });
    expect(mail?.headers.subject).toBe("Replikation hängt");
    expect(mail?.text.trim()).toBe("lag = 90 s, a long line that is folded");
  });

  it("keep a webhook as it came", async () => {
    const body = JSON.stringify({ status: "firing" });
    const headers = { "content-type": "application/json", "x-lab": "1" };
    await fetch(`${sinks.http.url}/hooks/oncall`, { method: "POST", body, headers });
    expect(await messages("0")).toMatchObject([
      { kind: "webhook", path: "/hooks/oncall", text: body, headers: { "x-lab": "1" } },
    ]);
  });

  it("list what came after a number or a time, also after a restart", async () => {
    for (const body of ["one", "two"]) await fetch(`${sinks.http.url}/h`, { method: "POST", body });
    await sinks.close();
    sinks = await start();
    await fetch(`${sinks.http.url}/h`, { method: "POST", body: "three" });
    expect((await messages("1")).map(({ number, text }) => [number, text])).toEqual([
      [2, "two"],
      [3, "three"],
    ]);
    expect(await messages("2000-01-01T00:00:00Z")).toHaveLength(3);
    expect(await messages("2999-01-01T00:00:00Z")).toHaveLength(0);
    expect((await fetch(`${sinks.http.url}/messages?since=soon`)).status).toBe(400);
  });

  it("keep only the newest messages and number on", async () => {
    const store = await openStore(folder, 3);
    const texts = ["a", "b", "c", "d", "e"];
    await Promise.all(
      texts.map((text) => store.add({ kind: "webhook", from: "", to: [], path: "/", headers: {}, text })),
    );
    expect((await store.list(0)).map(({ number, text }) => `${number}${text}`)).toEqual(["3c", "4d", "5e"]);
    expect(await readdir(folder)).toHaveLength(3);
  });
});

it("reads a mail without MIME and one in base64", () => {
  expect(parseMail(Buffer.from("Subject: a\r\n b\r\n\r\nhello\r\n"))).toEqual({
    headers: { subject: "a b" },
    text: "hello\n",
  });
  const coded = `Content-Transfer-Encoding: base64\n\n${Buffer.from("ünïcode").toString("base64")}`;
  expect(parseMail(Buffer.from(coded)).text).toBe("ünïcode");
});
