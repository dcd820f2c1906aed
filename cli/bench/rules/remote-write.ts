/** A series with the samples of a span of time. */
export interface WrittenSeries {
  /** With `__name__`. */
  readonly labels: Readonly<Record<string, string>>;
  /** By {@link encodeSamples}: many series may share them. */
  readonly samples: Buffer;
}

/** So much is sent at once, in bytes. */
const requestBytes = 4 * 2 ** 20;
/** Requests at the same time. */
const senders = 2;

/** The samples of a series in the protobuf of remote write, ready to be put behind its labels. */
export function encodeSamples(
  valueAt: (seconds: number) => number,
  { from, to, step }: { readonly from: number; readonly to: number; readonly step: number },
): Buffer {
  // Tag and length, a double, and a time in milliseconds, which takes six bytes from 2004 to 2109.
  const size = 18;
  const count = Math.max(0, Math.floor((to - from) / step) + 1);
  const samples = Buffer.alloc(count * size);
  for (let index = 0; index < count; index++) {
    const at = from + index * step;
    let offset = samples.writeUInt8(0x12, index * size);
    offset = samples.writeUInt8(size - 2, offset);
    offset = samples.writeUInt8(0x09, offset);
    offset = samples.writeDoubleLE(valueAt(at), offset);
    offset = samples.writeUInt8(0x10, offset);
    varint(Math.round(at * 1000)).copy(samples, offset);
  }
  return samples;
}

/** Sends series to the remote write receiver of a Prometheus. Fails with its words where it refuses some. */
export async function remoteWrite(
  url: string,
  series: Iterable<WrittenSeries>,
  signal: AbortSignal,
): Promise<void> {
  const batches = batchesOf(series);
  await Promise.all(
    Array.from({ length: senders }, async () => {
      for (const batch of batches) await send(url, batch, signal);
    }),
  );
}

async function send(url: string, body: Buffer<ArrayBuffer>, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/x-protobuf",
      "content-encoding": "snappy",
      "x-prometheus-remote-write-version": "0.1.0",
    },
    body,
    signal,
  });
  if (!response.ok)
    throw new Error(`Prometheus does not take samples: ${response.status} ${(await response.text()).trim()}`);
}

function* batchesOf(series: Iterable<WrittenSeries>): Generator<Buffer<ArrayBuffer>> {
  let parts: Buffer[] = [];
  let bytes = 0;
  for (const each of series) {
    const encoded = encodeSeries(each);
    parts.push(...encoded);
    bytes += encoded.reduce((sum, { length }) => sum + length, 0);
    if (bytes < requestBytes) continue;
    yield asSnappy(parts, bytes);
    parts = [];
    bytes = 0;
  }
  if (bytes > 0) yield asSnappy(parts, bytes);
}

function encodeSeries({ labels, samples }: WrittenSeries): Buffer[] {
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const pairs = sorted.flatMap(([name, value]) => {
    const pair = Buffer.concat([text(0x0a, name), text(0x12, value)]);
    return [Buffer.from([0x0a]), varint(pair.length), pair];
  });
  const head = Buffer.concat(pairs);
  return [Buffer.from([0x0a]), varint(head.length + samples.length), head, samples];
}

function text(tag: number, value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([tag]), varint(bytes.length), bytes]);
}

/** One literal of up to 4 GiB: that is valid, and nothing is gained by compressing what goes through memory. */
function asSnappy(parts: readonly Buffer[], bytes: number): Buffer<ArrayBuffer> {
  const literal = Buffer.alloc(5);
  literal.writeUInt8(0xfc);
  literal.writeUInt32LE(bytes - 1, 1);
  return Buffer.concat([varint(bytes), literal, ...parts]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}
