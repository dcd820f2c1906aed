import { Password } from "./hosts/provider/sdk.ts";
import { Provider } from "./pbs/sdk.ts";
import type { Settings } from "./settings.ts";

/** The first resource of each of our own plugins. */
export interface OwnPlugins {
  readonly pbs: Provider;
  /** Of people at Prometheus and Alertmanager. */
  readonly monitoringPassword: Password;
}

/**
 * Registers what needs our own plugins and nothing else of the program. The engine starts a plugin with its first
 * resource, and each takes as long to start as the rest of the program takes to load: both can be done at once.
 */
export function startOwnPlugins({ pbs }: Settings): OwnPlugins {
  return {
    pbs: new Provider("pbs", {
      url: pbs.endpoint,
      tokenId: pbs.tokenId,
      tokenSecret: pbs.tokenSecret,
      ...(pbs.fingerprint === undefined ? {} : { fingerprint: pbs.fingerprint }),
    }),
    monitoringPassword: new Password("monitoring-login"),
  };
}
