import { refuses } from "./testing.ts";

refuses("Nodes, networks and images that are wrong", [
  [
    "an image without a digest",
    (s) => {
      delete s.images["ubuntu-2404"].sha256;
    },
    "images.ubuntu-2404.sha256: missing: it is required; allowed: a value of type string",
  ],
  [
    "an image with a short digest",
    (s) => {
      s.images["ubuntu-2404"].sha256 = "abc";
    },
    'images.ubuntu-2404.sha256: "abc": it is not valid; allowed: a SHA-256 digest: 64 lower-case hexadecimal digits',
  ],
  [
    "an image from an address that is none",
    (s) => {
      s.images["ubuntu-2404"].url = "http://%";
    },
    'images.ubuntu-2404.url: "http://%": it is not valid; allowed: an http:// or https:// address',
  ],
  [
    "two images in one file",
    (s) => {
      s.images.other = { ...s.images["ubuntu-2404"] };
    },
    'images.other.fileName: "ubuntu-24.04-20260705.qcow2": image ubuntu-2404 is stored under it; allowed: a file name of its own',
  ],
  [
    "a network with host bits",
    (s) => {
      s.networks.lab.cidr = "10.16.207.1/24";
    },
    'networks.lab.cidr: "10.16.207.1/24": it is not valid; allowed: an IPv4 network such as 10.16.207.0/24, with no host bits set',
  ],
  [
    "networks that overlap",
    (s) => {
      s.networks.other = { cidr: "10.16.0.0/16", bridge: "vmbr1" };
    },
    'networks.other.cidr: "10.16.0.0/16": it overlaps network lab (10.16.207.0/24); allowed: networks that share no address',
  ],
  [
    "a gateway outside its network",
    (s) => {
      s.networks.lab.gateway = "10.16.208.1";
    },
    'networks.lab.gateway: "10.16.208.1": it lies outside its network; allowed: a host address in 10.16.207.0/24',
  ],
  [
    "a VLAN that does not exist",
    (s) => {
      s.networks.lab.vlanId = 4095;
    },
    "networks.lab.vlanId: 4095: it is not valid; allowed: a VLAN id from 1 to 4094",
  ],
  [
    "a bridge with too long a name",
    (s) => {
      s.networks.lab.bridge = "bridge-to-nowhere";
    },
    'networks.lab.bridge: "bridge-to-nowhere": it is not valid; allowed: a bridge name of at most 15 characters, such as vmbr0',
  ],
  [
    "two nodes with one name",
    (s) => {
      s.proxmox.nodes[1].name = "node01";
      s.guests[1].node = "node03";
    },
    'proxmox.nodes[1].name: "node01": node node01 is named twice; allowed: a value of its own',
  ],
  [
    "no node",
    (s) => {
      s.proxmox.nodes = [];
      s.guests = s.guests.slice(0, 0);
    },
    "proxmox.nodes: []: it is not valid; allowed: at least one node",
    "guests: []: it is not valid; allowed: at least one guest",
  ],
]);
