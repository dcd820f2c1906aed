import type { DeliveryInputs } from "./inputs.ts";

const shortestSecret = 12;

/**
 * Takes secrets out of a message: a failing service may repeat its configuration in its journal. Whole lines of
 * sensitive files go, and every word of theirs that looks like a password or token.
 */
export function redact(message: string, inputs: DeliveryInputs): string {
  const texts = Object.values(inputs.files)
    .filter((file) => file.sensitive)
    .map((file) => file.content ?? "");
  const secrets = [inputs.connection.privateKey, ...texts].flatMap((text) => [
    ...text.split("\n").map((line) => line.trim()),
    ...text.split(/[\s"'`=:@/,;&?<>(){}[\]]+/).filter((word) => /[0-9]/.test(word) && /[a-z]/i.test(word)),
  ]);
  return [...new Set(secrets)]
    .filter((text) => text.length >= shortestSecret)
    .sort((a, b) => b.length - a.length)
    .reduce((text, found) => text.replaceAll(found, "[secret]"), message);
}
