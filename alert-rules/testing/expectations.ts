import type { Proof } from "./proof.ts";

const allFiring = 'count by (alertname, severity) (ALERTS{alertstate="firing"})';

/** Exactly these alerts, given as `Name severity`, fire. */
export function firingAt(minutes: number, names: readonly string[]): object {
  return {
    expr: `${allFiring} > bool 0`,
    eval_time: `${minutes}m`,
    exp_samples: [...new Set(names)].map((name) => sampleOf(name)),
  };
}

function sampleOf(name: string): object {
  const [alertname, severity] = name.split(" ");
  return { labels: `{alertname="${alertname}", severity="${severity}"}`, value: 1 };
}

/** Of all but those that may outlast it, nothing fires. */
export function onlyOthers(minutes: number, own: string, also: readonly string[]): object {
  const others = also.filter((name) => name !== own).map((name) => name.split(" ")[0]);
  const [name, severity] = own.split(" ");
  const ownOnly = `ALERTS{alertstate="firing",alertname="${name}",severity="${severity}"}`;
  const rest = `ALERTS{alertstate="firing",alertname!~"${[name, ...others].join("|")}"}`;
  return { expr: `count(${ownOnly} or ${rest})`, eval_time: `${minutes}m`, exp_samples: [] };
}

/** The alert itself fires. */
export function stillFiring(minutes: number, { alert, severity }: Proof): object {
  return {
    expr: `count(ALERTS{alertstate="firing",alertname="${alert}",severity="${severity}"}) > bool 0`,
    eval_time: `${minutes}m`,
    exp_samples: [{ labels: "{}", value: 1 }],
  };
}

/** No alert of the name has fired until then. */
export function neverFired(minutes: number, { alert }: Proof): object {
  return {
    expr: `count_over_time(ALERTS{alertstate="firing",alertname="${alert}"}[${minutes}m])`,
    eval_time: `${minutes}m`,
    exp_samples: [],
  };
}
