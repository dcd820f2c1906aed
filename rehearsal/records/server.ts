import { once } from "node:events";
import { PassThrough } from "node:stream";
import ssh2 from "ssh2";
import { type RecordPlace, takeDelivery } from "./delivery.ts";
import type { RecordSeed } from "./seed.ts";

export interface RecordServer {
  readonly port: number;
  close(): void;
}

/** Which commands are deliveries: they end by running what they have unpacked. */
const deliveryCommand = /exec python3 -I -B "\$t\/apply" "\$t"/;

/**
 * The SSH side of a recorded guest: it proves itself by the host key of its user data, lets in who is named there, and
 * takes deliveries. Whatever else is asked of it fails with the reason.
 */
export async function serveRecord(
  place: RecordPlace,
  seed: RecordSeed,
  { address, port }: { readonly address: string; readonly port: number },
): Promise<RecordServer> {
  const server = new ssh2.Server({ hostKeys: [seed.hostKey] }, (client) => {
    // A client that goes away in the middle is its own matter.
    client.on("error", () => undefined);
    client.on("authentication", (context) => (mayLogIn(seed, context) ? context.accept() : refuse(context)));
    client.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        void answer(place, command, acceptExec());
      });
    });
  });
  server.listen(port, address);
  await once(server, "listening");
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound ? bound.port : port,
    close: () => server.close(),
  };
}

async function answer(place: RecordPlace, command: string, channel: ssh2.ServerChannel): Promise<void> {
  try {
    if (!deliveryCommand.test(command))
      throw new Error("this guest is a record of what was delivered to it: it runs no commands");
    const { stdout, stderr, status } = await takeDelivery(place, channel.pipe(new PassThrough()));
    channel.stdout.write(stdout);
    channel.stderr.write(stderr);
    channel.exit(status);
  } catch (error) {
    channel.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    channel.exit(127);
  }
  channel.end();
}

function mayLogIn(seed: RecordSeed, context: ssh2.AuthContext): boolean {
  if (context.method !== "publickey") return false;
  const lines = seed.authorizedKeys.get(context.username) ?? [];
  const keys = lines.flatMap((line) => {
    const key = ssh2.utils.parseKey(line);
    return key instanceof Error ? [] : [key];
  });
  const known = keys.find((key) => key.getPublicSSH().equals(context.key.data));
  if (!known) return false;
  // Without a signature the client only asks whether the key would do.
  if (context.signature === undefined || context.blob === undefined) return true;
  return known.verify(context.blob, context.signature, context.hashAlgo) === true;
}

function refuse(context: ssh2.AuthContext): void {
  context.reject(["publickey"]);
}
