import { expect, test } from "vitest";
import { parse } from "yaml";
import { generatedNetworkConfig, generatedUserData, netmask } from "./cloudinit.ts";

test("the network configuration names interfaces and addresses as the product does", () => {
  const text = generatedNetworkConfig({
    net0: "virtio=BC:24:11:00:00:01,bridge=vmbr0",
    net1: "virtio=BC:24:11:00:00:02,bridge=vmbr1",
    ipconfig0: "ip=10.64.1.7/24,gw=10.64.1.1",
    ipconfig1: "ip=dhcp",
    nameserver: "10.64.1.1",
    searchdomain: "radioastronomy.io",
  });
  expect(parse(text)).toEqual({
    version: 1,
    config: [
      {
        type: "physical",
        name: "eth0",
        mac_address: "bc:24:11:00:00:01",
        subnets: [{ type: "static", address: "10.64.1.7", netmask: "255.255.255.0", gateway: "10.64.1.1" }],
      },
      { type: "physical", name: "eth1", mac_address: "bc:24:11:00:00:02", subnets: [{ type: "dhcp4" }] },
      { type: "nameserver", address: ["10.64.1.1"], search: ["radioastronomy.io"] },
    ],
  });
});

test("user data carries host name, user and decoded keys", () => {
  const sshkeys = encodeURIComponent("ssh-ed25519 AAAA a\nssh-ed25519 BBBB b\n");
  const text = generatedUserData(112, {
    name: "proj-x01",
    searchdomain: "lab.test",
    ciuser: "deploy",
    sshkeys,
  });
  expect(text.startsWith("#cloud-config\n")).toBe(true);
  expect(parse(text)).toMatchObject({
    hostname: "proj-x01",
    fqdn: "proj-x01.lab.test",
    user: "deploy",
    ssh_authorized_keys: ["ssh-ed25519 AAAA a", "ssh-ed25519 BBBB b"],
    package_upgrade: true,
  });
  expect(parse(generatedUserData(112, { ciupgrade: 0 }))).not.toHaveProperty("package_upgrade");
});

test.each([
  [0, "0.0.0.0"],
  [8, "255.0.0.0"],
  [24, "255.255.255.0"],
  [27, "255.255.255.224"],
  [32, "255.255.255.255"],
])("/%i is %s", (length, mask) => {
  expect(netmask(length)).toBe(mask);
});
