import { onTopOf } from "./testing/baseline.ts";
import type { Proofs } from "./testing/proof.ts";

const kubelet = 'job="kubelet",instance="k8s1",namespace="jupyter",persistentvolumeclaim="home"';
const volume = { job: "kubelet", instance: "k8s1", namespace: "jupyter", persistentvolumeclaim: "home" };
const state = 'job="kube-state-metrics",instance="k8s1"';

const fillings = [
  { alert: "VolumeFillsUp", used: "used_bytes", of: "capacity_bytes", what: "the room" },
  { alert: "VolumeInodesFillUp", used: "inodes_used", of: "inodes", what: "the inodes" },
] as const;
const available = `kubelet_volume_stats_available_bytes{${kubelet}}`;
const phase = `kube_persistentvolume_status_phase{${state},persistentvolume="pv1",phase="Failed"}`;
const claim = `kube_persistentvolumeclaim_status_phase{${state},namespace="jupyter",persistentvolumeclaim="home",phase="Pending"}`;
const failures =
  'snapshot_controller_operation_total_seconds_count{job="snapshot-controller",instance="k8s1",driver_name="ceph",operation_name="CreateSnapshot",operation_status="Failure",snapshot_type="dynamic"}';

const jobs = ["kubelet", "kube-state-metrics", "snapshot-controller"];
const up = (job: string) => `up{job="${job}",instance="k8s1"}`;

export const kubernetesStorageProofs: Proofs = onTopOf(Object.fromEntries(jobs.map((job) => [up(job), 1])), [
  ...jobs.map((job) => ({
    alert: "KubernetesStorageUnwatched",
    severity: "warning" as const,
    good: { [up(job)]: 1 },
    bad: { [up(job)]: "absent" as const },
    labels: { job },
    says: `Prometheus has no target of the job ${job}: alerts on volumes and snapshots stay silent.`,
  })),
  ...fillings.flatMap(({ alert, used: usedName, of, what }) => {
    const used = `kubelet_volume_stats_${usedName}{${kubelet}}`;
    const size = `kubelet_volume_stats_${of}{${kubelet}}`;
    const says = (share: string) => `${share} of ${what} of volume jupyter/home are used.`;
    return [
      {
        alert,
        severity: "warning" as const,
        good: { [used]: 5.9, [size]: 8 },
        bad: { [used]: 6.1 },
        labels: volume,
        says: says("76.25%"),
        shows: "76.25%",
      },
      {
        alert,
        severity: "critical" as const,
        good: { [used]: 5, [size]: 8 },
        bad: { [used]: 6.9 },
        labels: volume,
        says: says("86.25%"),
        shows: "86.25%",
        also: [`${alert} warning`],
        elsewhere: { [used]: 0, [size]: 0 },
      },
    ];
  }),
  {
    alert: "VolumeFullSoon",
    severity: "warning",
    stepMinutes: 60,
    warmUpMinutes: 12 * 60,
    good: { [available]: { perMinute: 10 } },
    bad: { [available]: { perMinute: -10 } },
    delayMinutes: 180,
    clearMinutes: 180,
    labels: volume,
    says: "If it goes on to fill as in the last six hours, volume jupyter/home is full within four days.",
  },
  {
    alert: "PersistentVolumeFailed",
    severity: "critical",
    good: { [phase]: 0 },
    bad: { [phase]: 1 },
    labels: { job: "kube-state-metrics", instance: "k8s1", persistentvolume: "pv1", phase: "Failed" },
    says: "Persistent volume pv1 is in the phase Failed.",
  },
  {
    alert: "VolumeClaimPending",
    severity: "warning",
    good: { [claim]: 0 },
    bad: { [claim]: 1 },
    labels: {
      job: "kube-state-metrics",
      instance: "k8s1",
      namespace: "jupyter",
      persistentvolumeclaim: "home",
      phase: "Pending",
    },
    says: "Claim jupyter/home waits for a volume; its pod cannot start.",
  },
  {
    alert: "VolumeSnapshotsFailing",
    severity: "warning",
    good: { [failures]: { perMinute: 0 } },
    bad: { [failures]: { perMinute: 1 } },
    delayMinutes: 1,
    clearMinutes: 59,
    labels: { instance: "k8s1", driver_name: "ceph", operation_name: "CreateSnapshot" },
    says: "CreateSnapshot by ceph has failed within the last hour.",
  },
]);
