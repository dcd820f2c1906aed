import { readFile } from "node:fs/promises";
import { execa } from "execa";
import type { DbkeeperConfig } from "../../scripts/config.ts";
import type { SecretWorld } from "./secrets-world.ts";

/** What goes wrong, the command that meets it, and the configuration that makes it so. */
type Mistake = [what: string, argv: string[], differences: Partial<DbkeeperConfig>];

/** Wrong keys, refused connections and programs that tell too much. */
export async function mistakes(world: SecretWorld): Promise<Mistake[]> {
  const { config, secrets, keep, recovery } = world;
  const { archive, channels, encryption, restore } = config;
  const target = restore?.targets?.recovery;
  const [email] = channels?.emails ?? [];
  if (!archive || !encryption || !target?.network || !email) throw new Error("the world is not whole");
  const { network } = target;
  const secret = (what: string) => secrets[what] ?? "";
  const key = secret("private key of age");
  const writer = `"secretAccessKey":"${secret("writer's S3 key")}"`;
  const token = secret("token in the webhook's address");
  const password = secret("password of the server in the network");

  const identity = async (name: string, content: string) => ({
    encryption: { ...encryption, identityFile: await keep(name, content) },
  });
  const credentials = async (name: string, content: string) => {
    const file = await keep(name, content);
    return { archive: { ...archive, credentialsFile: file, readerCredentialsFile: file } };
  };
  const webhook = async (name: string, url: string) => ({
    channels: { webhooks: [{ urlFile: await keep(name, url) }] },
  });
  const passwordFile = async (name: string, content: string) => ({
    restore: {
      targets: { recovery: { ...target, network: { ...network, passwordFile: await keep(name, content) } } },
    },
  });
  const mail = await keep(
    "talkative",
    `#!/bin/sh\ncat > /dev/null\necho "smtp://pg01:${secret("password of the mail relay")}@relay refused password=${token}" >&2\nexit 1\n`,
  );
  await execa("chmod", ["700", mail]);
  const other = (await execa("age-keygen")).stdout;

  const tell = ["failed", "--unit", "dbkeeper.service"];
  const again = ["restore", "--database", "desi", "--as", "again", "--into", "recovery", "--yes"];
  const onOther = { socketDirectory: recovery.socketDirectory, role: "postgres" };
  await recovery.sql("alter role astronomer rename to stargazer");
  return [
    ["another private key", ["validate"], await identity("other", other)],
    ["a damaged private key", ["validate"], await identity("damaged", `${key.slice(0, -1)}\n${key}!\n`)],
    ["a scratch server without the role of a user mapping", ["validate"], { restoreInto: onOther }],
    ["credentials that are no JSON", ["archive", "list"], await credentials("broken", `{${writer}`)],
    [
      "credentials that S3 refuses",
      ["archive", "list"],
      await credentials("refused", `{"accessKeyId":"AKIANOBODYNOBODY1234",${writer}}`),
    ],
    [
      "an archive that refuses the connection",
      ["archive", "list"],
      { archive: { ...archive, endpoint: "https://127.0.0.1:1" } },
    ],
    ["a webhook that refuses the connection", tell, await webhook("w1", `http://127.0.0.1:1/${token}`)],
    ["a webhook that is no address", tell, await webhook("w2", `http//:${token}`)],
    ["a webhook on no host", tell, await webhook("w3", `http://nobody:${token}@nowhere.invalid/${token}`)],
    ["a mail program that tells its login", tell, { channels: { emails: [{ ...email, program: mail }] } }],
    [
      "another password than the server's",
      again,
      await passwordFile(
        "p1",
        (await readFile(network.passwordFile, "utf8")).replace(password, `${password}x`),
      ),
    ],
    ["a password for another server", again, await passwordFile("p2", `elsewhere:5432:*:*:${password}\n`)],
  ];
}
