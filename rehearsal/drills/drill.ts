import type { ExecResult } from "../guests/exec.ts";
import type { Instance } from "../lab/instance.ts";

/** Guests of the lab that drills break, by what they are. */
export type Member = "primary" | "standby" | "monitoring";

/** What a drill may use of the lab. */
export interface DrillLab {
  readonly instance: Instance;
  /** Runs a shell script as root in a guest. Fails with what it wrote where it ends with another code than 0. */
  sh(member: Member, script: string): Promise<string>;
  /** The same where a failure is what is wanted. */
  attempt(member: Member, script: string): Promise<ExecResult>;
  /** Starts a script in a guest that goes on until the drill is mended, or its time is over. */
  keepRunning(member: Member, name: string, script: string): Promise<void>;
  stopRunning(member: Member, name: string): Promise<void>;
  /** Keeps every processor of the machine busy until it is told to stop, or its time is over. */
  keepBusy(): void;
  stopBusy(): void;
}

/** Something that breaks in real labs, and the alert that must tell of it. */
export interface Drill {
  /** As the command line names it. */
  readonly name: string;
  /** What is broken, for the table. */
  readonly breaks: string;
  /** The alert, its severity and labels that tell it from others of its name. */
  readonly alert: string;
  readonly severity: "critical" | "warning";
  readonly labels: Readonly<Record<string, string>>;
  /** Text that people must find in each message. */
  readonly says: string;
  /** Parts of the lab that it disturbs: drills without one in common run side by side. */
  readonly disturbs: readonly string[];
  /** Within so many seconds the alert must be told. Default 180. */
  readonly withinSeconds?: number;
  /** Within so many seconds after it was mended its end must be told. Default 180. */
  readonly endsWithinSeconds?: number;
  break(lab: DrillLab): Promise<void>;
  /** Brings everything back; also called where the drill failed, and then twice at worst. */
  mend(lab: DrillLab): Promise<void>;
}

/** What came of a drill. Times are seconds from the moment at which it was broken, and from that at which it was mended. */
export interface DrillResult {
  readonly drill: string;
  readonly alert: string;
  readonly severity: string;
  readonly firedAfterSeconds: number | null;
  readonly toldAfterSeconds: number | null;
  /** Who was told, `channel (how many messages)` by the site's own names. */
  readonly receivers: readonly string[];
  readonly resolvedAfterSeconds: number | null;
  /** What went wrong; null where nothing did. */
  readonly failure: string | null;
}
