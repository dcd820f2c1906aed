import { isDeepStrictEqual } from "node:util";
import type { Call } from "../../provider/resource.ts";
import type { Answer, ConfigFile, Parameters, PbsClient } from "../client.ts";
import { isConflict, isGone } from "../error.ts";
import { changedMeanwhile, conflictPause, conflictRetries, tooBusy } from "./conflict.ts";

/** A change of one object in a configuration file of the server. */
export interface Change<View> {
  /** For messages: "prune job nightly". */
  readonly what: string;
  readonly file: ConfigFile;
  /** Where the object is read and changed. */
  readonly path: string;
  /** What of the object the change is computed from: when it is different all of a sudden, somebody else was there. */
  view(data: unknown): View;
  /** The parameters to send; undefined when there is nothing to change. May throw to refuse. */
  plan(now: View): Parameters | undefined;
}

/** The object at a path; undefined when there is none. */
export async function fetchObject(
  { client, signal }: Call<PbsClient>,
  path: string,
): Promise<Answer | undefined> {
  try {
    return await client.get(path, {}, signal);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * Reads an object and writes the change under the digest that was read, so that nothing which somebody else wrote in
 * between is lost.
 * @throws Error when the object is gone or was changed meanwhile
 */
export async function changeObject<View>(call: Call<PbsClient>, change: Change<View>): Promise<void> {
  const { client, signal } = call;
  await client.exclusive(change.file, async () => {
    let first: { readonly view: View } | undefined;
    for (let attempt = 0; ; attempt++) {
      const answer = await fetchObject(call, change.path);
      if (!answer) throw new Error(`${change.what} is gone from ${client.url}: run \`pulumi refresh\``);
      const now = change.view(answer.data);
      first ??= { view: now };
      const parameters = change.plan(now);
      if (!parameters) return;
      try {
        await client.put(change.path, { ...parameters, digest: answer.digest }, signal);
        return;
      } catch (error) {
        if (!isConflict(error) && !isGone(error)) throw error;
        const after = await fetchObject(call, change.path);
        // Something else that the change names may be gone, such as a datastore.
        if (after && isGone(error)) throw error;
        const found = after && change.view(after.data);
        if (!after || !isDeepStrictEqual(found, first.view)) {
          throw changedMeanwhile(change.what, first.view, found, error);
        }
        if (attempt === conflictRetries) throw tooBusy(change.what, client.url, error);
        await conflictPause(signal);
      }
    }
  });
}
