import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, it } from "vitest";
import lab from "../../stacks/lab.ts";
import { recordResources } from "../../test/mocks.ts";
import { parseSite } from "../site.ts";

const { archive } = parseSite(lab());
const names = new Map<unknown, string>();
/** What each resource waits for, by type and name. */
const waits = new Map<string, string[]>();

beforeAll(async () => {
  await recordResources(({ type, name }) => {
    if (type === "aws:s3/bucket:Bucket") return { arn: `arn:aws:s3:::${name}` };
    if (type === "aws:kms/key:Key") return { arn: "arn:aws:kms:eu-central-1:123456789012:key/key" };
    if (type === "aws:sns/topic:Topic") return { arn: `arn:aws:sns:eu-central-1:123456789012:${name}` };
    return {};
  });
  const { Archive } = await import("./archive.ts");
  new Archive(
    "archive",
    {
      siteName: "lab",
      archive: {
        ...archive,
        buckets: {
          ...archive.buckets,
          dumps: { ...archive.buckets.dumps, replicateTo: { region: "eu-west-1", name: "copy" } },
        },
      },
      disposable: true,
    },
    {
      transformations: [
        ({ resource, type, name, props, opts }) => {
          names.set(resource, `${type} ${name}`);
          waits.set(`${type} ${name}`, namesOf(opts.dependsOn));
          return { props, opts };
        },
      ],
    },
  );
  await pulumi.runtime.disconnect();
});

function namesOf(dependsOn: pulumi.ResourceOptions["dependsOn"]): string[] {
  const list: unknown[] = Array.isArray(dependsOn) ? dependsOn : [dependsOn];
  return list.flatMap((each) => names.get(each) ?? []);
}

it.each([
  "archive-dumps",
  "archive-configuration",
  "archive-images",
  "archive-dumps-replica",
  "archive-logs",
])("the policy of %s waits until the bucket is closed to the public", (name) => {
  expect(waits.get(`aws:s3/bucketPolicy:BucketPolicy ${name}`)).toEqual([
    `aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock ${name}`,
  ]);
});
