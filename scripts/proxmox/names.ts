/** Names of guests in metrics. */
export interface Names {
  /** Of a guest on the cluster. */
  ofVmid(vmid: number): string;
  /** Of what a backup is of. */
  ofBackup(type: string, id: string): string;
}

/**
 * The site's names where it knows a guest; else the cluster's own name where nothing else is called so, and
 * `vm/<id>` where it is: two series of one name would make node_exporter refuse the whole file.
 */
export function guestNames(
  site: Readonly<Record<string, string>>,
  found: readonly { readonly vmid: number; readonly name?: string | undefined }[] = [],
): Names {
  const others = found.filter(({ vmid }) => !Object.hasOwn(site, String(vmid)));
  const taken = new Set(Object.values(site));
  const counts = Map.groupBy(others, ({ name }) => name);
  const names = new Map(Object.entries(site));
  for (const { vmid, name } of others) {
    const isAlone = name !== undefined && !taken.has(name) && counts.get(name)?.length === 1;
    names.set(String(vmid), isAlone ? name : `vm/${vmid}`);
  }
  return {
    ofVmid: (vmid) => names.get(String(vmid)) ?? `vm/${vmid}`,
    // Backups stay when a guest is gone: what the cluster calls a number now may be another guest than was backed up.
    ofBackup: (type, id) => (type === "vm" ? site[id] : undefined) ?? `${type}/${id}`,
  };
}
