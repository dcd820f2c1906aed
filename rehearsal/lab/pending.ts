/** A resource in an exported state; only what is looked at here has a type. */
export interface StateResource {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly outputs?: Readonly<Record<string, unknown>>;
}

/** The part of `pulumi stack export` that a killed update concerns. */
export interface Deployment {
  readonly resources?: readonly StateResource[];
  readonly pending_operations?: readonly { readonly type: string; readonly resource: StateResource }[];
}

type IdOf = (inputs: Readonly<Record<string, unknown>>) => string;

const property =
  (name: string): IdOf =>
  (inputs) =>
    String(inputs[name]);

/**
 * The ids that products give to what they refuse to make twice. What is missing here can be made again: a file is
 * written over, a key or a password that nobody has seen yet is made anew.
 */
const ids: Readonly<Record<string, IdOf>> = {
  "proxmoxve:index/vmLegacy:VmLegacy": property("vmId"),
  "proxmoxve:storage/pbs:Pbs": property("resourceId"),
  "proxmoxve:backup/job:Job": property("resourceId"),
  "aws:s3/bucket:Bucket": property("bucket"),
  "aws:kms/alias:Alias": property("name"),
  "aws:iam/user:User": property("name"),
  "pbs:index:Datastore": property("name"),
  "pbs:index:Namespace": ({ store, ns }) => `${store}/${ns}`,
  "pbs:index:PruneJob": property("jobId"),
  "pbs:index:VerifyJob": property("jobId"),
  "pbs:index:Remote": property("name"),
  "pbs:index:SyncJob": property("jobId"),
  "pbs:index:User": property("userid"),
  "pbs:index:ApiToken": ({ userid, tokenName }) => `${userid}!${tokenName}`,
  "grafana:oss/folder:Folder": property("uid"),
  "grafana:oss/dataSource:DataSource": property("uid"),
};

/** Types that tell a secret only while they are made: where it was lost, they have to be made again. */
const showsSecretOnce: ReadonlySet<string> = new Set(["proxmoxve:storage/pbs:Pbs", "pbs:index:ApiToken"]);

/**
 * Settles the creations that a killed update left open: each is recorded as if it had been done, so that a refresh
 * finds out whether it was. Gives the new deployment, and the resources that must be replaced where they do exist.
 */
export function settlePending<D extends Deployment>(
  deployment: D,
): { readonly deployment: D; readonly replace: string[] } {
  const known = new Set((deployment.resources ?? []).map(({ urn }) => urn));
  const settled = (deployment.pending_operations ?? []).flatMap(({ type, resource }) => {
    const id = resource.id ?? ids[resource.type]?.(resource.inputs ?? {});
    if (type !== "creating" || id === undefined || known.has(resource.urn)) return [];
    return [{ ...resource, id, outputs: resource.outputs ?? resource.inputs ?? {} }];
  });
  return {
    deployment: {
      ...deployment,
      resources: [...(deployment.resources ?? []), ...settled],
      pending_operations: [],
    },
    replace: settled.filter(({ type }) => showsSecretOnce.has(type)).map(({ urn }) => urn),
  };
}
