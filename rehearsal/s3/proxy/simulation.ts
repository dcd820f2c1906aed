import { timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { accessDenied, S3Error } from "./errors.ts";
import type { Answer } from "./forward.ts";
import type { Parts } from "./handler.ts";
import { classAt } from "./lifecycle.ts";
import { announce } from "./notices.ts";
import type { ProxyRequest } from "./request.ts";

const clockRequest = z.strictObject({ advanceSeconds: z.number().min(0) });

/**
 * What only the rehearsal has, for whoever shows the root secret as a bearer token: `GET /_sim/clock` tells the
 * simulated time, `POST /_sim/clock {"advanceSeconds": N}` sets it forward, and with it do what the time brings:
 * restores complete, lifecycles move objects. Expiry is not simulated, and object lock goes by the real time.
 */
export async function simulate(parts: Parts, request: ProxyRequest, body: string): Promise<Answer> {
  demandRoot(parts, request);
  if (request.path !== "/_sim/clock") throw new S3Error(404, "NotFound", `there is no ${request.path}`);
  if (request.method === "POST") {
    const parsed = clockRequest.safeParse(JSON.parse(body || "{}"));
    if (!parsed.success)
      throw new S3Error(400, "InvalidRequest", 'expected {"advanceSeconds": N} with N of at least 0');
    await parts.restores.advance(parsed.data.advanceSeconds);
    await runLifecycles(parts);
    await announceCompleted(parts);
  }
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ now: parts.restores.now().toISOString() }),
  };
}

/** Makes restores that are complete by now readable, and tells the topics that want to know. */
export async function announceCompleted({ moto, restores }: Parts): Promise<void> {
  for (const restore of restores.completed()) {
    const id = { bucket: restore.bucket, key: restore.key, versionId: restore.versionId ?? undefined };
    await moto.setReadable(id);
    // Before it is told: a subscriber may come at once, and a crash must not tell it twice.
    await restores.markAnnounced(restore);
    for (const problem of await announce(moto, "s3:ObjectRestore:Completed", id, restores.now()))
      console.error(problem);
  }
}

async function runLifecycles({ moto, restores }: Parts): Promise<void> {
  for (const [bucket, { lifecycle }] of Object.entries((await moto.facts()).buckets)) {
    for (const object of await moto.objects(bucket)) {
      const wanted = classAt(object, lifecycle, restores.now());
      if (wanted === undefined) continue;
      await moto.setStorageClass(
        { bucket, key: object.key, versionId: object.versionId ?? undefined },
        wanted,
      );
    }
  }
}

function demandRoot({ root }: Parts, { headers }: ProxyRequest): void {
  const given = Buffer.from(headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${root.secretAccessKey}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw accessDenied();
}
