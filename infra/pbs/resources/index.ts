import type { AnyResource } from "../../provider/resource.ts";
import type { PbsClient } from "../client.ts";
import { acl } from "./acl.ts";
import { apiToken } from "./api-token.ts";
import { datastore } from "./datastore.ts";
import { garbageCollection } from "./garbage-collection.ts";
import { metricServer } from "./metric-server.ts";
import { namespace } from "./namespace.ts";
import { notificationMatcher } from "./notification-matcher.ts";
import { notificationTarget } from "./notification-target.ts";
import { pruneJob } from "./prune-job.ts";
import { remote } from "./remote.ts";
import { s3Endpoint } from "./s3-endpoint.ts";
import { syncJob } from "./sync-job.ts";
import { trafficControl } from "./traffic-control.ts";
import { user } from "./user.ts";
import { verifyJob } from "./verify-job.ts";

/** Every resource type of the provider. */
export const resources: readonly AnyResource<PbsClient>[] = [
  datastore,
  namespace,
  pruneJob,
  verifyJob,
  garbageCollection,
  remote,
  syncJob,
  s3Endpoint,
  user,
  apiToken,
  acl,
  notificationTarget,
  notificationMatcher,
  trafficControl,
  metricServer,
];
