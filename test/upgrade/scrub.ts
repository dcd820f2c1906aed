import { encodeKeyPair } from "../../infra/hosts/provider/ssh-keys.ts";

/** Marks a special value in Pulumi's state, and says that it is a secret (sdk/go/common/resource/sig in pulumi/pulumi). */
const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

/** What is recorded of a resource; the rest is taken over as it is. */
export interface RecordedResource {
  readonly urn: string;
  readonly type: string;
  readonly [property: string]: unknown;
}

export interface RecordedState {
  readonly version: number;
  readonly deployment: { readonly resources: readonly RecordedResource[]; readonly [key: string]: unknown };
}

/** A stack's state with the configuration that it was made with, secrets in plain. */
export interface Recordable {
  readonly state: RecordedState;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Longer plain texts say nothing about replacements: the runtime's bundle alone has two million characters. */
const longestText = 20_000;

/** Where the checkout lies in the name of a file that was built in it. */
const checkoutPattern = /^\/.*(?=\/node_modules\/)/;

/**
 * A state that may be published: every secret and every key is replaced by a fake of the same shape, the same one
 * wherever it occurs, and what only tells of the machine that recorded it is dropped. Takes `pulumi stack export
 * --show-secrets`; the result holds its fakes in plain, so that anybody can read what is planted.
 */
export function scrub({ state, config }: Recordable): Recordable {
  const fakes = fakesFor(collectSecrets(state.deployment.resources, config));
  const clean = <T>(value: T) =>
    mapTexts(value, (text) => shorten(replaceAll(text.replace(checkoutPattern, ""), fakes))) as T;
  const { secrets_providers: _, ...deployment } = state.deployment;
  return {
    state: {
      ...state,
      deployment: {
        ...deployment,
        resources: deployment.resources.map(
          ({ sourcePosition: _position, stackTrace: _trace, ...resource }) =>
            clean(resource) as RecordedResource,
        ),
      },
    },
    config: clean(config),
  };
}

interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
  readonly comment: string;
}

export interface Secrets {
  readonly keyPairs: readonly KeyPair[];
  readonly tokens: ReadonlySet<string>;
}

/** A run of characters that is too long to be a word. What a file holds of a secret is such a run of it. */
const tokenPattern = /[A-Za-z0-9+/_-]{16,}={0,2}/g;
const accessKeyPattern = /\bA[KS]IA[A-Z0-9]{16}\b/g;

/** Where secrets come from; whatever else is secret is made of these. */
const sources: Readonly<Record<string, readonly string[]>> = {
  "hosts:index:Password": ["value"],
  "pbs:index:ApiToken": ["value"],
  "proxmoxve:storage/pbs:Pbs": ["generatedEncryptionKey", "encryptionKey"],
  "aws:iam/accessKey:AccessKey": ["secret"],
  "hosts:index:CertificateAuthority": ["privateKey"],
  "hosts:index:Certificate": ["privateKey"],
  "pulumi:providers:grafana": ["auth"],
  "pulumi:providers:aws": ["secretKey"],
  "pulumi:providers:pbs": ["tokenSecret"],
  "pulumi:providers:proxmoxve": ["apiToken"],
};

/** The secrets that a state holds in plain, where they come from; other secrets are made of them. */
export function collectSecrets(
  resources: readonly RecordedResource[],
  config: Recordable["config"],
): Secrets {
  const keyPairs: KeyPair[] = [];
  const tokens = new Set<string>();
  for (const { type, inputs, outputs } of resources) {
    const values = { ...objectOf(inputs), ...objectOf(outputs) };
    if (type === "hosts:index:SshKey") {
      keyPairs.push({
        privateKey: plainOf(values.privateKey),
        publicKey: plainOf(values.publicKey),
        comment: plainOf(values.comment),
      });
    }
    for (const property of sources[type] ?? []) {
      for (const [token] of plainOf(values[property]).matchAll(tokenPattern)) tokens.add(token);
    }
  }
  for (const [token] of JSON.stringify([resources, config]).matchAll(accessKeyPattern)) tokens.add(token);
  return { keyPairs, tokens };
}

function fakesFor({ keyPairs, tokens }: Secrets): ReadonlyMap<string, string> {
  const fakes = new Map<string, string>();
  for (const [index, { privateKey, publicKey, comment }] of keyPairs.entries()) {
    const bytes = Buffer.alloc(32, index + 1);
    const fake = encodeKeyPair(bytes, bytes, comment);
    // Line by line: in cloud-init data the lines of a key are indented.
    const lines = [privateKey, publicKey].flatMap((text) => text.match(tokenPattern) ?? []);
    const fakeLines = [fake.privateKey, fake.publicKey].flatMap((text) => text.match(tokenPattern) ?? []);
    for (const [at, line] of lines.entries()) fakes.set(line, fakeLines[at] ?? "");
  }
  for (const token of tokens) fakes.set(token, fakeOf(token, fakes.size));
  return fakes;
}

/** Letters for letters and digits for digits; hexadecimal stays hexadecimal. It depends on the number alone. */
export function fakeOf(token: string, number: number): string {
  if (/^A[KS]IA/.test(token)) return `${token.slice(0, 4)}FAKE${String(number).padStart(12, "0")}`;
  let state = number + 1;
  const pick = (alphabet: string) => {
    // Park and Miller's minimal standard generator: a planted text need not be hard to guess.
    state = (state * 48_271) % 2_147_483_647;
    return alphabet[state % alphabet.length] ?? "";
  };
  const lower = /^[0-9a-f-]+$/.test(token) ? "abcdef" : "abcdefghijklmnopqrstuvwxyz";
  return token.replace(/[A-Za-z0-9]/g, (character) => {
    if (/[0-9]/.test(character)) return pick("0123456789");
    return pick(/[a-z]/.test(character) ? lower : lower.toUpperCase());
  });
}

function replaceAll(text: string, fakes: ReadonlyMap<string, string>): string {
  return text
    .replace(tokenPattern, (token) => fakes.get(token) ?? token)
    .replace(accessKeyPattern, (key) => fakes.get(key) ?? key);
}

function shorten(text: string): string {
  return text.length <= longestText
    ? text
    : `(a text of ${text.length} characters, left out of the recording)`;
}

/** A value of the state in plain; a secret's text is JSON of its own. */
function plainOf(value: unknown): string {
  if (typeof value === "string") return value;
  const { [signatureKey]: signature, plaintext } = objectOf(value);
  if (signature !== secretSignature || typeof plaintext !== "string") return "";
  return String(JSON.parse(plaintext));
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((each) => mapTexts(each, change));
  if (typeof value !== "object" || value === null) return value;
  const object = objectOf(value);
  if (object[signatureKey] === secretSignature && typeof object.plaintext === "string") {
    return { ...object, plaintext: JSON.stringify(mapTexts(JSON.parse(object.plaintext), change)) };
  }
  return Object.fromEntries(
    Object.entries(object).map(([key, each]) => [key, key === signatureKey ? each : mapTexts(each, change)]),
  );
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
