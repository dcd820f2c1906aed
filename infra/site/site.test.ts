import { refuses } from "./testing.ts";

refuses("A site that is wrong as a whole", [
  [
    "an unknown section",
    (s) => {
      s.guest = [];
    },
    "guest: []: there is no such section; allowed: name, domain, disposable, proxmox, networks, images, access, guests, objectives, pbs, retentions, policies, archive, certificates, databases, monitoring, binaries",
  ],
  [
    "a missing section",
    (s) => {
      delete s.pbs;
    },
    "pbs: missing: it is required; allowed: a value of type object",
  ],
  [
    "a section of the wrong type",
    (s) => {
      s.networks = 7;
    },
    "networks: 7: it has the wrong type; allowed: record",
  ],
  [
    "a name with blanks",
    (s) => {
      s.name = "my lab";
    },
    'name: "my lab": it is not valid; allowed: a name of 2 to 32 lower-case letters, digits and hyphens, such as proj-pg01',
  ],
  [
    "a domain that is none",
    (s) => {
      s.domain = "not a domain";
    },
    'domain: "not a domain": it is not valid; allowed: a domain name such as radioastronomy.io',
  ],
  [
    "a section called like something that objects inherit",
    (s) => {
      s.constructor = {};
    },
    "constructor: {}: there is no such section; allowed: name, domain, disposable, proxmox, networks, images, access, guests, objectives, pbs, retentions, policies, archive, certificates, databases, monitoring, binaries",
  ],
  [
    "a section called like an object's prototype",
    (s) => {
      Object.defineProperty(s, "__proto__", { value: {}, enumerable: true });
    },
    "__proto__: {}: no property can be called so; allowed: another name",
  ],
  [
    "a tier called like an object's prototype",
    (s) => {
      Object.defineProperty(s.objectives, "__proto__", { value: {}, enumerable: true });
    },
    "objectives.__proto__: {}: no property can be called so; allowed: another name",
  ],
  [
    "SSH keys that are none",
    (s) => {
      s.access = { authorizedKeys: ["my key"] };
    },
    'access.authorizedKeys[0]: "my key": it is not valid; allowed: an OpenSSH public key line',
  ],
  [
    "SSH from nowhere",
    (s) => {
      s.access = { sshFrom: [] };
    },
    "access.sshFrom: []: it is not valid; allowed: at least one address or network: nobody, Pulumi included, could reach the guests",
  ],
  [
    "SSH from what is no network",
    (s) => {
      s.access = { sshFrom: ["10.16.207.1/24"] };
    },
    'access.sshFrom[0]: "10.16.207.1/24": it is not valid; allowed: an IPv4 address such as 10.16.207.60 or a network such as 10.16.207.0/24, with no host bits set',
  ],
]);
