import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { execInGuest } from "../guests/exec.ts";
import type { Instance } from "../lab/instance.ts";
import { placeOf } from "../lab/places.ts";
import type { DrillLab, Member } from "./drill.ts";

/** VMIDs of the rehearsal's guests. */
const vmids: Readonly<Record<Member, number>> = { primary: 2002, standby: 2003, monitoring: 2010 };

/** So long may a script that goes on be forgotten, in seconds. */
const forgottenAfterSeconds = 600;

export function drillLabOf(instance: Instance): DrillLab {
  const busy: ChildProcess[] = [];
  const attempt: DrillLab["attempt"] = (member, script) =>
    execInGuest(placeOf(instance, vmids[member]), ["bash", "-c", script], { timeoutSeconds: 120 });
  const sh: DrillLab["sh"] = async (member, script) => {
    const { exitCode, stdout, stderr } = await attempt(member, script);
    if (exitCode !== 0)
      throw new Error(
        `on the ${member}, \`${script}\` ended with ${exitCode}: ${(stderr || stdout).trim().slice(-400)}`,
      );
    return stdout;
  };
  return {
    instance,
    attempt,
    sh,
    keepRunning: async (member, name, script) => {
      // A unit of its own ends all that it started, and by itself if nobody mends.
      const { exitCode, stderr } = await execInGuest(placeOf(instance, vmids[member]), [
        "systemd-run",
        ...["--unit", unitOf(name), "--collect", "--quiet"],
        ...["--property", `RuntimeMaxSec=${forgottenAfterSeconds}`],
        ...["bash", "-c", script],
      ]);
      if (exitCode !== 0) throw new Error(`the ${member} does not start the drill's load: ${stderr.trim()}`);
    },
    keepBusy: () => {
      const loop = ["timeout", String(forgottenAfterSeconds), "sh", "-c", "while :; do :; done"];
      for (let count = 0; count < availableParallelism(); count++)
        busy.push(spawn("nice", ["-n", "19", ...loop], { stdio: "ignore" }));
    },
    stopBusy: () => {
      for (const child of busy.splice(0)) child.kill();
    },
    stopRunning: async (member, name) => {
      await attempt(member, `systemctl stop ${unitOf(name)} || true`);
    },
  };
}

function unitOf(name: string): string {
  return `lab-drill-${name}`;
}
