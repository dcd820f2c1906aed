import { refuses } from "./testing.ts";

const hostChecks = { hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" };

refuses("Checks on the backup server's host that are wrong", [
  [
    "a name outside of the domain, an address outside of the networks",
    (s) => {
      Object.assign(s.pbs, { hostChecks, host: "pbs01.example.org", address: "192.0.2.1" });
    },
    'pbs.host: "pbs01.example.org": with hostChecks, the lab\'s authority has to vouch for it; allowed: a name in radioastronomy.io',
    'pbs.address: "192.0.2.1": with hostChecks, the lab\'s authority has to vouch for it; allowed: an address in one of the networks',
  ],
  [
    "the name of a guest",
    (s) => {
      Object.assign(s.pbs, { hostChecks, host: "proj-pg01.radioastronomy.io" });
    },
    'pbs.host: "proj-pg01.radioastronomy.io": a guest has this name, and metrics of both would be one; allowed: a name of its own',
  ],
  [
    "no host key",
    (s) => {
      s.pbs.hostChecks = { hostKey: "SHA256:abc" };
    },
    'pbs.hostChecks.hostKey: "SHA256:abc": it is not valid; allowed: the line of the host\'s /etc/ssh/ssh_host_ed25519_key.pub',
  ],
]);
