import { createHash } from "node:crypto";

/** What a mail is made of. */
export interface MailInput {
  from: string;
  to: readonly string[];
  subject: string;
  date: Date;
  text: string;
  html: string;
}

/** A message as RFC 5322 and MIME have it: the text, and the same as HTML for readers that show it. */
export function renderMail({ from, to, subject, date, text, html }: MailInput): string {
  const digest = createHash("sha256")
    .update(`${date.toISOString()}\n${subject}\n${html}`)
    .digest("hex")
    .slice(0, 32);
  const boundary = `=_${digest}`;
  const part = (type: string, content: string) => [
    `--${boundary}`,
    `Content-Type: ${type}; charset=utf-8`,
    "Content-Transfer-Encoding: base64",
    "",
    ...(Buffer.from(content)
      .toString("base64")
      .match(/.{1,76}/g) ?? []),
  ];
  return [
    `From: ${from}`,
    `To: ${to.join(",\r\n ")}`,
    `Subject: ${encodeWords(subject)}`,
    `Date: ${date.toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${digest}@${from.split("@").at(-1)}>`,
    // Nobody's automatic answer is wanted (RFC 3834).
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    `Content-Type: multipart/alternative; boundary="${boundary}"`,
    "",
    ...part("text/plain", text),
    ...part("text/html", html),
    `--${boundary}--`,
    "",
  ].join("\r\n");
}

/** A header's text: as it is where it is plain ASCII, else in encoded words (RFC 2047) of at most 75 characters. */
function encodeWords(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const words: string[] = [];
  let word = "";
  for (const character of text) {
    if (Buffer.byteLength(word + character) > 42) {
      words.push(word);
      word = "";
    }
    word += character;
  }
  return [...words, word].map((each) => `=?utf-8?B?${Buffer.from(each).toString("base64")}?=`).join("\r\n ");
}
