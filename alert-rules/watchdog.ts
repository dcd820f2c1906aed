import { alert, type RuleGroup } from "./rule.ts";

/** The dead man's switch, in a group of its own: it says that rules are evaluated and alerts are sent, nothing else. */
export function watchdog(): RuleGroup {
  return { name: "watchdog", rules: [always] };
}

/** Always fires: what it is sent to tells people when it comes no more. */
const always = alert({
  name: "Watchdog",
  expression: "vector(1)",
  forSeconds: 0,
  severity: "none",
  area: "monitoring",
  summary: "Alerting works.",
  description: "This alert always fires. When it stops to arrive, nobody is told of anything any more.",
});
