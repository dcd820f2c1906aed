import type { Guest, Site } from "../site.ts";
import type { Contribution } from "./contribution.ts";
import { audit } from "./hardening-audit.ts";
import { sshServer } from "./hardening-ssh.ts";
import { system } from "./hardening-system.ts";
import { securityUpdates } from "./hardening-updates.ts";

/** What every Linux host gets whatever it is for; docs/hardening.md says why. */
export function hardening(site: Site, guest: Guest): readonly Contribution[] {
  return [sshServer(site), system(), securityUpdates(), audit(site, guest)];
}
