/** The checkout's id, part of every name that the rehearsal puts on the machine. */
export type InstanceId = string;

/** Fails unless the id is eight hexadecimal digits: it becomes part of interface names, which are short. */
export function checkInstanceId(instanceId: InstanceId): void {
  if (!/^[0-9a-f]{8}$/.test(instanceId)) {
    throw new Error(`instance id '${instanceId}' is not eight hexadecimal digits`);
  }
}

/** Name of the checkout's bridge and of its folder among the control groups. */
export function bridgeName(instanceId: InstanceId): string {
  checkInstanceId(instanceId);
  return `lab${instanceId}`;
}

/** Name of a guest's container. */
export function machineName(instanceId: InstanceId, vmid: number): string {
  return `${bridgeName(instanceId)}-${vmid}`;
}

/** Prefix of the host's ends of all guests' interfaces. */
export function peerPrefix(instanceId: InstanceId): string {
  checkInstanceId(instanceId);
  return `v${instanceId}`;
}

/**
 * Host's end of a guest's interface: at most 15 characters for the kernel, so VM id and interface number share
 * one base-36 number.
 */
export function peerName(instanceId: InstanceId, vmid: number, index: number): string {
  return `${peerPrefix(instanceId)}${(vmid * 32 + index).toString(36)}`;
}
