import { expect, it } from "vitest";
import { decodeChunks } from "./chunked.ts";
import { readSignature, type SignedRequest, verifySignature } from "./signature.ts";

// The examples of the S3 API reference ("Signature calculations for the authorization header", both pages).
const secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const credential = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
const then = new Date("2013-05-24T00:00:00Z");
const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const get: SignedRequest = {
  method: "GET",
  path: "/test.txt",
  query: new Map(),
  headers: {
    host: "examplebucket.s3.amazonaws.com",
    range: "bytes=0-9",
    "x-amz-content-sha256": empty,
    "x-amz-date": "20130524T000000Z",
    authorization: `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41`,
  },
};

const put: SignedRequest = {
  method: "PUT",
  path: "/examplebucket/chunkObject.txt",
  query: new Map(),
  headers: {
    host: "s3.amazonaws.com",
    "content-encoding": "aws-chunked",
    "content-length": "66824",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "x-amz-date": "20130524T000000Z",
    "x-amz-decoded-content-length": "66560",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    authorization: `AWS4-HMAC-SHA256 Credential=${credential},SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9`,
  },
};

const verify = (request: SignedRequest, now = then) => {
  const signature = readSignature(request);
  if (signature === undefined) throw new Error("it is not signed");
  return verifySignature(signature, request, secret, request.headers["x-amz-content-sha256"] ?? "", now);
};

it("takes AWS's own example", async () => {
  await expect(verify(get)).resolves.toBeDefined();
});

it.each([
  ["another path", { ...get, path: "/test.txu" }, "SignatureDoesNotMatch"],
  ["another method", { ...get, method: "PUT" }, "SignatureDoesNotMatch"],
  ["a parameter more", { ...get, query: new Map([["acl", ""]]) }, "SignatureDoesNotMatch"],
  [
    "a signed header that changed",
    { ...get, headers: { ...get.headers, range: "bytes=0-99" } },
    "SignatureDoesNotMatch",
  ],
  [
    "a header of AWS that is not signed",
    { ...get, headers: { ...get.headers, "x-amz-acl": "public-read" } },
    "AccessDenied",
  ],
])("refuses it with %s", async (_, request, code) => {
  await expect(verify(request)).rejects.toMatchObject({ code });
});

it("refuses it a quarter of an hour later, or earlier", async () => {
  for (const minutes of [-16, 16])
    await expect(verify(get, new Date(then.getTime() + minutes * 60_000))).rejects.toMatchObject({
      code: "RequestTimeTooSkewed",
    });
});

it("takes signed chunks as in AWS's example, and none that was changed", async () => {
  const signatures = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
  ];
  const body = [65_536, 1024, 0]
    .map(
      (size, index) => `${size.toString(16)};chunk-signature=${signatures[index]}\r\n${"a".repeat(size)}\r\n`,
    )
    .join("");
  expect(body).toHaveLength(66_824);
  const decode = async (text: string) => {
    let size = 0;
    const source = (async function* () {
      yield Buffer.from(text);
    })();
    for await (const data of decodeChunks(source, await verify(put))) size += data.length;
    return size;
  };
  expect(await decode(body)).toBe(66_560);
  for (const changed of [
    body.replace("aaaa", "aaab"),
    body.replace("0;chunk-signature=b", "0;chunk-signature=c"),
  ])
    await expect(decode(changed)).rejects.toMatchObject({ code: "SignatureDoesNotMatch" });
});
