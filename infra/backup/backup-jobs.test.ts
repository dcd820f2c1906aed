import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it, vi } from "vitest";
import dr from "../../stacks/dr.ts";
import { type Recorded, recordResources, resolved } from "../../test/mocks.ts";
import { parseSite } from "../site.ts";

const site = parseSite(dr());
const key = JSON.stringify({ kdf: null, data: Buffer.alloc(32, 7).toString("base64"), fingerprint: "aa:bb" });
let resources: Recorded[];

beforeAll(async () => {
  resources = await recordResources(({ name }) => ({ generatedEncryptionKey: `key of ${name}` }));
});

/** The recovery site's jobs, with the key files of some retentions. */
async function jobsWith(keys: Readonly<Record<string, string>>) {
  const { BackupJobs } = await import("./backup-jobs.ts");
  resources.length = 0;
  return new BackupJobs("backup-jobs", {
    site,
    tokenId: "dr-pve@pbs!nodes",
    tokenSecret: pulumi.secret("token-secret"),
    fingerprint: undefined,
    encryptionKey: (retention) => {
      const given = keys[retention];
      return given === undefined ? undefined : pulumi.secret(given);
    },
  });
}

const storage = (name: string) => resources.find((resource) => resource.name === name)?.inputs;

describe("the storages of a recovery site", () => {
  it("open another site's backups with its key, which is an output like a generated one", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const jobs = await jobsWith({ "from-lab": key });
    expect(await resolved(jobs.encryptionKeys)).toMatchObject({
      "pbs-from-lab": key,
      "pbs-critical-daily": "key of pbs-critical-daily",
    });
    expect(await pulumi.isSecret(jobs.encryptionKeys)).toBe(true);
    expect(storage("pbs-from-lab")).toMatchObject({ encryptionKey: key });
    expect(storage("pbs-from-lab")).not.toHaveProperty("generateEncryptionKey");
    expect(storage("pbs-critical-daily")).toMatchObject({ generateEncryptionKey: true });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it("say so where they could open none of them", async () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const jobs = await jobsWith({});
    await resolved(jobs.encryptionKeys);
    expect(warn.mock.calls.map(([message]) => message)).toEqual([
      expect.stringMatching(/^sync job from-lab .* `pulumi config set --secret encryptionKey-from-lab`$/),
    ]);
    warn.mockRestore();
  });
});
