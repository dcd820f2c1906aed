import { parse } from "yaml";
import { z } from "zod";
import { authorityPath, tlsPaths } from "../../infra/hosts/tls.ts";
import { monitoringUser } from "../../infra/monitoring/login.ts";
import { execInGuest } from "../../rehearsal/guests/exec.ts";
import type { GuestPlace } from "../../rehearsal/guests/guest.ts";

/** What a target of Prometheus shows. */
export interface LabPage {
  readonly job: string;
  /** The guest's name. */
  readonly instance: string;
  readonly page: string;
}

const scrapeConfiguration = z.object({
  scrape_configs: z.array(
    z.object({
      job_name: z.string(),
      static_configs: z.array(
        z.object({ targets: z.array(z.string()), labels: z.looseObject({ instance: z.string() }) }),
      ),
    }),
  ),
});

/** The pages of all targets, fetched from the monitoring host as Prometheus does it. */
export async function pagesOf(monitoring: GuestPlace): Promise<LabPage[]> {
  const text = await outputOf(monitoring, ["cat", "/etc/prometheus/prometheus.yml"]);
  const targets = scrapeConfiguration
    .parse(parse(text))
    .scrape_configs.flatMap(({ job_name: job, static_configs }) =>
      static_configs.flatMap(({ targets, labels: { instance } }) =>
        targets.map((address) => ({ job, instance, address })),
      ),
    );
  return Promise.all(
    targets.map(async ({ job, instance, address }) => {
      const fetch = job === "prometheus" || job === "alertmanager" ? byPassword : byCertificate;
      return { job, instance, page: await fetch(monitoring, address) };
    }),
  );
}

/** What all targets of a job show. */
export function pagesOfJob(pages: readonly LabPage[], job: string): string[] {
  return pages.filter((each) => each.job === job).map(({ page }) => page);
}

function byCertificate(place: GuestPlace, address: string): Promise<string> {
  const { certificate, key } = tlsPaths("scraper");
  const identity = ["--cacert", authorityPath, "--cert", certificate, "--key", key];
  return outputOf(place, ["curl", "--silent", "--fail", ...identity, `https://${address}/metrics`]);
}

/** The password goes from file to curl without being an argument. */
function byPassword(place: GuestPlace, address: string): Promise<string> {
  const script = `printf 'user = "${monitoringUser}:%s"\\n' "$(cat /etc/prometheus/login-password)" |
curl --silent --fail --config - --cacert ${authorityPath} https://${address}/metrics`;
  return outputOf(place, ["sh", "-c", script]);
}

/** @throws Error where the command fails */
export async function outputOf(
  place: GuestPlace,
  argv: readonly [string, ...string[]],
  input?: Uint8Array,
): Promise<string> {
  const result = await execInGuest(place, argv, input ? { input } : {});
  if (result.exitCode !== 0) throw new Error(`${argv[0]} failed in guest ${place.vmid}: ${result.stderr}`);
  return result.stdout;
}
