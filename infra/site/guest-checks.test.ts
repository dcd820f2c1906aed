import { refuses } from "./testing.ts";

refuses("Guests that are wrong", [
  [
    "two guests with one id",
    (s) => {
      s.guests[1].id = 2001;
    },
    "guests[1].id: 2001: VMID 2001 is used twice; allowed: a value of its own",
  ],
  [
    "two guests with one name",
    (s) => {
      s.guests[4].name = "proj-dp01";
    },
    'guests[4].name: "proj-dp01": guest proj-dp01 is named twice; allowed: a value of its own',
  ],
  [
    "two guests with one address",
    (s) => {
      s.guests[1].address = s.guests[0].address;
    },
    'guests[1].address: "10.16.207.51": 10.16.207.51 is given to two guests; allowed: a value of its own',
  ],
  [
    "an address outside its network",
    (s) => {
      s.guests[0].address = "10.99.0.5";
    },
    'guests[0].address: "10.99.0.5": it lies outside network lab; allowed: a host address in 10.16.207.0/24',
  ],
  [
    "the broadcast address",
    (s) => {
      s.guests[0].address = "10.16.207.255";
    },
    'guests[0].address: "10.16.207.255": it lies outside network lab; allowed: a host address in 10.16.207.0/24',
  ],
  [
    "the gateway's address",
    (s) => {
      s.guests[0].address = "10.16.207.1";
    },
    'guests[0].address: "10.16.207.1": it is the gateway of network lab; allowed: another address in 10.16.207.0/24',
  ],
  [
    "a node's address",
    (s) => {
      s.guests[0].address = "10.16.207.12";
    },
    'guests[0].address: "10.16.207.12": it is the address of node node02; allowed: an address of its own',
  ],
  [
    "the backup server's address",
    (s) => {
      s.guests[0].address = "10.16.207.218";
    },
    'guests[0].address: "10.16.207.218": it is the address of the backup server; allowed: an address of its own',
  ],
  [
    "text that is no address",
    (s) => {
      s.guests[0].address = "10.16.207.300";
    },
    'guests[0].address: "10.16.207.300": it is not valid; allowed: an IPv4 address such as 10.16.207.218',
  ],
  [
    "an address with a leading zero",
    (s) => {
      s.guests[0].address = "10.16.207.051";
    },
    'guests[0].address: "10.16.207.051": it is not valid; allowed: an IPv4 address such as 10.16.207.218',
  ],
  [
    "an unknown node",
    (s) => {
      s.guests[0].node = "node09";
    },
    'guests[0].node: "node09": there is no such node; allowed: node01, node02, node03, node04, node05, node06, node07',
  ],
  [
    "an unknown network",
    (s) => {
      s.guests[0].network = "dmz";
    },
    'guests[0].network: "dmz": there is no such network; allowed: lab',
  ],
  [
    "a network called like something that objects inherit",
    (s) => {
      s.guests[0].network = "constructor";
    },
    'guests[0].network: "constructor": there is no such network; allowed: lab',
  ],
  [
    "an unknown tier",
    (s) => {
      s.guests[0].tier = "gold";
    },
    'guests[0].tier: "gold": there is no such objective; allowed: critical, standard',
  ],
  [
    "an unknown policy",
    (s) => {
      s.guests[0].backup.policy = "hourly";
    },
    'guests[0].backup.policy: "hourly": there is no such policy; allowed: proj-dp01-daily, proj-pg01-daily, linux-weekly',
  ],
  [
    "an unknown image",
    (s) => {
      s.guests[0].image = "ubuntu-2604";
    },
    'guests[0].image: "ubuntu-2604": there is no such image; allowed: ubuntu-2404',
  ],
  [
    "a managed guest without an image",
    (s) => {
      delete s.guests[0].image;
    },
    "guests[0].image: missing: a managed guest is made from an image; allowed: ubuntu-2404, or managed: false",
  ],
  [
    "a managed guest with Windows",
    (s) => {
      s.guests[4].os = "windows";
    },
    'guests[4].os: "windows": guests are made from cloud images and set up by cloud-init, which is Linux\'s; allowed: linux, or managed: false',
  ],
  [
    "a VMID that PVE does not give",
    (s) => {
      s.guests[0].id = 99;
    },
    "guests[0].id: 99: it is not valid; allowed: a VMID from 100 to 999999999",
  ],
  [
    "a VMID with a fraction",
    (s) => {
      s.guests[0].id = 2001.5;
    },
    "guests[0].id: 2001.5: it has the wrong type; allowed: a VMID from 100 to 999999999",
  ],
  [
    "a number as text",
    (s) => {
      s.guests[0].cores = "8";
    },
    'guests[0].cores: "8": it has the wrong type; allowed: a whole number',
  ],
  [
    "a misspelt property",
    (s) => {
      s.guests[0].memory = 5;
    },
    'guests[0]: ["memory"]: there are no such properties; allowed: the properties the schema documents',
  ],
  [
    "a guest without a backup decision",
    (s) => {
      delete s.guests[0].backup;
    },
    "guests[0].backup: missing: it is required; allowed: a value of type object",
  ],
  [
    "an unknown backup tool",
    (s) => {
      s.guests[0].backup = { tool: "tape" };
    },
    'guests[0].backup.tool: "tape": it matches none of the forms; allowed: pbs, veeam, iperius, other, none',
  ],
  [
    "no backup without a reason",
    (s) => {
      s.guests[0].backup = { tool: "none", reason: "no" };
    },
    'guests[0].backup.reason: "no": it is not valid; allowed: why losing this guest is acceptable, in a sentence',
  ],
  [
    "no guest",
    (s) => {
      s.guests = [];
    },
    "guests: []: it is not valid; allowed: at least one guest",
  ],
  [
    "a mount path that a unit file would read otherwise",
    (s) => {
      s.guests[1].backupDisk.mountPath = "/mnt/back up";
    },
    'guests[1].backupDisk.mountPath: "/mnt/back up": it is not valid; allowed: an absolute path of letters, digits, dots, hyphens and underscores without a trailing slash, such as /mnt/backup',
  ],
  [
    "a mount path that climbs",
    (s) => {
      s.guests[1].backupDisk.mountPath = "/mnt/../etc";
    },
    'guests[1].backupDisk.mountPath: "/mnt/../etc": it is not valid; allowed: an absolute path of letters, digits, dots, hyphens and underscores without a trailing slash, such as /mnt/backup',
  ],
]);
