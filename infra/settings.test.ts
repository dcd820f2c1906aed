import * as pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { readSettings } from "./settings.ts";

/** Every secret that a stack needed before the cluster was watched. */
function configured(name: string, more: Readonly<Record<string, string>> = {}): pulumi.Config {
  const values = {
    proxmox: JSON.stringify({ endpoint: "https://pve:8006", watchTokenId: "looks@pve!only" }),
    proxmoxToken: "pulumi@pve!lab=PLANTED",
    pbs: JSON.stringify({ endpoint: "https://pbs:8007", tokenId: "pulumi@pbs!lab" }),
    pbsTokenSecret: "PLANTED",
    ...more,
  };
  for (const [key, value] of Object.entries(values)) pulumi.runtime.setConfig(`${name}:${key}`, value);
  return new pulumi.Config(name);
}

it("a stack without the token that looks at the cluster is told which, why and how to set it", () => {
  const read = () => readSettings(configured("without-watch-token"));
  expect(read).toThrow(pulumi.RunError);
  expect(read).toThrow(
    /^proxmoxWatchTokenSecret is missing: .*looks@pve!only; make it as the README says.*`pulumi config set --secret proxmoxWatchTokenSecret`$/,
  );
  expect(() =>
    readSettings(configured("with-watch-token", { proxmoxWatchTokenSecret: "0000-00" })),
  ).not.toThrow();
});
