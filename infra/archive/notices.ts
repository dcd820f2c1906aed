import * as pulumi from "@pulumi/pulumi";
import { kms, sns } from "../packages.ts";
import type { Site } from "../site.ts";
import { accountOf, bucketArnOf, noticesKey, takesNotices } from "./policies.ts";

export interface RestoreNoticesArgs {
  readonly siteName: string;
  readonly subscribers: Site["archive"]["restoreNotices"];
  /** The buckets that may tell of a completed restore. */
  readonly sources: readonly string[];
  /** A resource of the account, by which the account is known. */
  readonly keyArn: pulumi.Input<string>;
  readonly disposable: boolean;
}

/** Where buckets tell that a restore from Glacier is complete. */
export interface NoticeTarget {
  readonly topicArn: pulumi.Output<string>;
  /** Without it S3 refuses to publish. */
  readonly policy: pulumi.Resource;
}

/** The topic that tells its subscribers when something restored from Glacier can be read, so that nobody has to ask. */
export class RestoreNotices extends pulumi.ComponentResource implements NoticeTarget {
  readonly topicArn: pulumi.Output<string>;
  readonly policy: pulumi.Resource;

  constructor(name: string, args: RestoreNoticesArgs, opts?: pulumi.ComponentResourceOptions) {
    super("lab:archive:RestoreNotices", name, {}, opts);
    const { siteName, subscribers, sources, keyArn, disposable } = args;
    const child = { parent: this };
    const key = new kms.Key(
      name,
      {
        description: `Restore notices of the ${siteName} site`,
        enableKeyRotation: true,
        deletionWindowInDays: 7,
        policy: pulumi.output(keyArn).apply((arn) => JSON.stringify(noticesKey(accountOf(arn)))),
      },
      child,
    );
    const topic = new sns.Topic(
      name,
      { name: `${siteName}-archive-restores`, kmsMasterKeyId: key.arn },
      { ...child, protect: !disposable },
    );
    this.policy = new sns.TopicPolicy(
      name,
      {
        arn: topic.arn,
        policy: topic.arn.apply((arn) => {
          const account = accountOf(arn);
          const arns = sources.map((source) => bucketArnOf(source, account));
          return JSON.stringify(takesNotices(arn, arns, account));
        }),
      },
      child,
    );
    for (const [protocol, endpoints] of [
      ["email", subscribers.emails],
      ["https", subscribers.webhooks],
    ] as const) {
      for (const endpoint of endpoints)
        new sns.TopicSubscription(`${name}-${endpoint}`, { topic: topic.arn, protocol, endpoint }, child);
    }
    this.topicArn = topic.arn;
    this.registerOutputs({ topicArn: this.topicArn });
  }
}
