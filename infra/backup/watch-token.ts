import * as pulumi from "@pulumi/pulumi";
import * as pbs from "../pbs/sdk.ts";
import type { Site } from "../site.ts";

interface Grant {
  readonly name: string;
  readonly authId: pulumi.Input<string>;
  readonly path: string;
  readonly roleId: pbs.AclArgs["roleId"];
}

/** What the backup server is watched with. */
export interface WatchToken {
  /** `lab-watch@pbs!proxwatch` */
  readonly tokenId: pulumi.Output<string>;
  /** Secret. */
  readonly secret: pulumi.Output<string>;
}

/**
 * A token of the backup server that may look at datastores, tasks and, where the site has sync jobs, at remotes, and
 * change nothing. A token may do what both it and its user may; the user has no password, so that nobody logs in as it
 * and its own rights may be the wider ones.
 */
export function watchToken(site: Pick<Site, "pbs">, provider: pbs.Provider): WatchToken {
  const child = { provider };
  const user = new pbs.User(
    "watch",
    { userid: "lab-watch@pbs", comment: "Looks whether backups happen", enable: true },
    child,
  );
  const token = new pbs.ApiToken("watch", { userid: user.userid, tokenName: "proxwatch" }, child);
  const grants: Grant[] = [
    { name: "watch-user", authId: user.userid, path: "/", roleId: "Audit" },
    { name: "watch-datastores", authId: token.tokenId, path: "/datastore", roleId: "DatastoreAudit" },
    // Others' tasks are for those who may see them all.
    { name: "watch-tasks", authId: token.tokenId, path: "/system/tasks", roleId: "Audit" },
  ];
  if (site.pbs.sync.length > 0) {
    // A sync job is listed only for who may see its remote.
    grants.push(
      { name: "watch-user-remotes", authId: user.userid, path: "/remote", roleId: "RemoteAudit" },
      { name: "watch-remotes", authId: token.tokenId, path: "/remote", roleId: "RemoteAudit" },
    );
  }
  for (const { name, ...grant } of grants) new pbs.Acl(name, grant, child);
  const secret = token.value.apply((value) => {
    if (value === undefined) throw new Error("an imported PBS token has no secret: replace it");
    return value;
  });
  return { tokenId: token.tokenId, secret: pulumi.secret(secret) };
}
