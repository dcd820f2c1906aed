import { describe, expect, it } from "vitest";
import { permissionsFor, type S3Request } from "./actions.ts";
import { removeDenied, withErrors } from "./delete-list.ts";

const needed = (method: string, url: string, headers: S3Request["headers"] = {}): string[] => {
  const { pathname, searchParams } = new URL(url, "http://s3");
  const [bucket = "", ...key] = pathname.slice(1).split("/");
  const query = new Map(searchParams);
  return permissionsFor({ method, bucket, key: key.join("/"), query, headers }).map(
    ({ action, resource }) => `${action} ${resource.replace("arn:aws:s3:::", "")}`,
  );
};

describe("a request needs", () => {
  it.each([
    ["GET", "/", {}, ["s3:ListAllMyBuckets *"]],
    ["GET", "/b?list-type=2&prefix=a", {}, ["s3:ListBucket b"]],
    ["GET", "/b?versions", {}, ["s3:ListBucketVersions b"]],
    ["HEAD", "/b", {}, ["s3:ListBucket b"]],
    [
      "PUT",
      "/b",
      { "x-amz-bucket-object-lock-enabled": "True" },
      ["s3:CreateBucket b", "s3:PutBucketVersioning b", "s3:PutBucketObjectLockConfiguration b"],
    ],
    ["DELETE", "/b?lifecycle", {}, ["s3:PutLifecycleConfiguration b"]],
    ["PUT", "/b/k/l?x-id=PutObject", {}, ["s3:PutObject b/k/l"]],
    [
      "PUT",
      "/b/k",
      { "x-amz-object-lock-mode": "GOVERNANCE" },
      ["s3:PutObject b/k", "s3:PutObjectRetention b/k"],
    ],
    [
      "PUT",
      "/b/k",
      { "x-amz-object-lock-legal-hold": "ON" },
      ["s3:PutObject b/k", "s3:PutObjectLegalHold b/k"],
    ],
    [
      "PUT",
      "/b/k",
      { "x-amz-copy-source": "/c/a%20b?versionId=1" },
      ["s3:PutObject b/k", "s3:GetObjectVersion c/a b"],
    ],
    ["POST", "/b/k?uploads", {}, ["s3:PutObject b/k"]],
    ["PUT", "/b/k?partNumber=1&uploadId=u", {}, ["s3:PutObject b/k"]],
    ["DELETE", "/b/k?uploadId=u", {}, ["s3:AbortMultipartUpload b/k"]],
    ["GET", "/b/k?uploadId=u", {}, ["s3:ListMultipartUploadParts b/k"]],
    ["GET", "/b/k?versionId=1", {}, ["s3:GetObjectVersion b/k"]],
    ["DELETE", "/b/k", {}, ["s3:DeleteObject b/k"]],
    [
      "DELETE",
      "/b/k?versionId=1",
      { "x-amz-bypass-governance-retention": "true" },
      ["s3:DeleteObjectVersion b/k", "s3:BypassGovernanceRetention b/k"],
    ],
    [
      "PUT",
      "/b/k?retention",
      { "x-amz-bypass-governance-retention": "true" },
      ["s3:PutObjectRetention b/k", "s3:BypassGovernanceRetention b/k"],
    ],
    ["POST", "/b/k?restore", {}, ["s3:RestoreObject b/k"]],
  ])("%s %s", (method, url, headers, permissions) => {
    expect(needed(method, url, headers as S3Request["headers"])).toEqual(permissions);
  });
});

it.each([
  ["PUT", "/b?unheard"],
  ["POST", "/b"],
  ["GET", "/b/k?select"],
  ["PATCH", "/b/k"],
  ["POST", "/b/k?acl"],
])("refuses %s %s, whose permissions are not known", (method, url) => {
  expect(() => needed(method, url)).toThrow("is not known to the rehearsal");
});

it("takes what is denied out of a list of deletions and says so in the answer", () => {
  const document =
    "<Delete><Object><Key>a</Key></Object><Object><Key>b &amp; c</Key><VersionId>1</VersionId></Object></Delete>";
  const { document: kept, denied } = removeDenied({ bucket: "b", headers: {} }, document, (permissions) =>
    permissions.every(({ action }) => action === "s3:DeleteObject"),
  );
  expect(kept).toBe("<Delete><Object><Key>a</Key></Object></Delete>");
  expect(withErrors("<DeleteResult></DeleteResult>", denied)).toBe(
    "<DeleteResult><Error><Key>b &amp; c</Key><VersionId>1</VersionId><Code>AccessDenied</Code><Message>Access Denied</Message></Error></DeleteResult>",
  );
});
