import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { newChecksum } from "./checksums.ts";
import { decodeChunks } from "./chunked.ts";

const text = Buffer.from("123456789");

it.each([
  // The check values of the catalogue of CRC algorithms, and of RFC 1321, 3174 and 6234.
  ["crc32", "cbf43926"],
  ["crc32c", "e3069283"],
  ["crc64nvme", "ae8b14860a799888"],
  ["md5", "25f9e794323b453885f5181f1b624d0b"],
  ["sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
] as const)("computes %s, whatever the pieces", (algorithm, expected) => {
  fc.assert(
    fc.property(fc.nat({ max: text.length }), (cut) => {
      const checksum = newChecksum(algorithm);
      checksum.update(text.subarray(0, cut));
      checksum.update(text.subarray(cut));
      expect(Buffer.from(checksum.value(), "base64").toString("hex")).toBe(expected);
    }),
    { numRuns: 10 },
  );
});

describe("an aws-chunked body", () => {
  const framed = (chunks: readonly Uint8Array[], trailer = "x-amz-checksum-crc32:AAAAAA==\r\n") =>
    Buffer.concat([
      ...chunks
        .filter(({ length }) => length > 0)
        .flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")]),
      Buffer.from(`0\r\n${trailer}\r\n`),
    ]);
  const decode = async (body: Buffer, cuts: readonly number[]) => {
    const ends = [...new Set([...cuts.map((cut) => cut % (body.length + 1)), body.length])].sort(
      (a, b) => a - b,
    );
    const pieces = ends.map((end, index) => body.subarray(ends[index - 1] ?? 0, end));
    const decoded = decodeChunks(
      (async function* () {
        yield* pieces;
      })(),
      undefined,
    );
    const data: Buffer[] = [];
    for (;;) {
      const { done, value } = await decoded.next();
      if (done) return { data: Buffer.concat(data), trailers: value };
      data.push(value);
    }
  };

  it("gives its data and its trailers however it was cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 })),
        fc.array(fc.nat()),
        async (chunks, cuts) => {
          const { data, trailers } = await decode(framed(chunks), cuts);
          expect(data.equals(Buffer.concat(chunks))).toBe(true);
          expect([...trailers]).toEqual([["x-amz-checksum-crc32", "AAAAAA=="]]);
        },
      ),
    );
  });

  it("is refused wherever it ends early", async () => {
    const body = framed([Buffer.from("hello"), Buffer.from("world")], "");
    for (let end = 0; end < body.length - 4; end++)
      await expect(decode(body.subarray(0, end), [])).rejects.toMatchObject({ code: "IncompleteBody" });
  });

  it("is refused where a chunk is not as long as it says", async () => {
    await expect(decode(Buffer.from("3\r\nhello\r\n0\r\n\r\n"), [])).rejects.toMatchObject({
      code: "IncompleteBody",
    });
    await expect(decode(Buffer.from("x\r\nhello\r\n0\r\n\r\n"), [])).rejects.toMatchObject({
      code: "IncompleteBody",
    });
  });
});
