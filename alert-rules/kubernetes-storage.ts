import type { Lab } from "./lab.ts";
import { type Alert, alert, type RuleGroup } from "./rule.ts";
import { tiers } from "./tiers.ts";

/** Persistent volumes of the Kubernetes cluster: none where the site has no such cluster. */
export function kubernetesStorage(lab: Lab): RuleGroup {
  return {
    name: "kubernetes-storage",
    rules: lab.hasKubernetes
      ? [
          ...fillsUp(lab, "VolumeFillsUp", {
            used: "kubelet_volume_stats_used_bytes",
            of: "kubelet_volume_stats_capacity_bytes",
            what: "the room",
            summary: "A persistent volume fills up.",
          }),
          ...fillsUp(lab, "VolumeInodesFillUp", {
            used: "kubelet_volume_stats_inodes_used",
            of: "kubelet_volume_stats_inodes",
            what: "the inodes",
            summary: "A persistent volume runs out of inodes.",
          }),
          fullSoon(lab),
          volumeFailed(lab),
          claimPending(lab),
          snapshotsFail(lab),
          ...["kubelet", "kube-state-metrics", "snapshot-controller"].map((job) => unwatched(lab, job)),
        ]
      : [],
  };
}

interface Filling {
  readonly used: string;
  readonly of: string;
  readonly what: string;
  readonly summary: string;
}

function fillsUp(lab: Lab, name: string, { used, of, what, summary }: Filling): Alert[] {
  return tiers(lab, { warning: "volumeUsed", critical: "volumeUsedCritical" }, ({ severity, limit }) =>
    alert({
      name,
      // File systems without a fixed number of inodes say zero.
      expression: `${used}{job="kubelet"} / (${of}{job="kubelet"} > 0) > ${limit.value}`,
      limit,
      severity,
      area: "capacity",
      summary,
      description: `{{ $value | humanizePercentage }} of ${what} of volume {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} are used.`,
      value: "{{ $value | humanizePercentage }}",
      keepFiringForSeconds: lab.hold(300),
    }),
  );
}

function fullSoon(lab: Lab): Alert {
  const { value, forSeconds } = lab.limit("volumeFullWithin");
  return alert({
    name: "VolumeFullSoon",
    // Six hours are a stretch of people's work, at any pace.
    expression: `predict_linear(kubelet_volume_stats_available_bytes{job="kubelet"}[6h], ${value}) < 0`,
    forSeconds,
    severity: "warning",
    area: "capacity",
    summary: "A persistent volume will be full within days.",
    description:
      "If it goes on to fill as in the last six hours, volume {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} is full within four days.",
  });
}

const volumeFailed = (lab: Lab) =>
  alert({
    name: "PersistentVolumeFailed",
    expression: 'kube_persistentvolume_status_phase{job="kube-state-metrics",phase="Failed"} == 1',
    forSeconds: lab.hold(300),
    severity: "critical",
    area: "availability",
    summary: "A persistent volume has failed.",
    description: "Persistent volume {{ $labels.persistentvolume }} is in the phase Failed.",
  });

const claimPending = (lab: Lab) =>
  alert({
    name: "VolumeClaimPending",
    expression: `kube_persistentvolumeclaim_status_phase{job="kube-state-metrics",phase="Pending"} == ${lab.limit("volumeClaimPending").value}`,
    forSeconds: lab.limit("volumeClaimPending").forSeconds,
    severity: "warning",
    area: "availability",
    summary: "A claim gets no volume.",
    description:
      "Claim {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} waits for a volume; its pod cannot start.",
  });

const snapshotsFail = (lab: Lab) =>
  alert({
    name: "VolumeSnapshotsFailing",
    expression: `sum by (instance, driver_name, operation_name) (increase(snapshot_controller_operation_total_seconds_count{job="snapshot-controller",operation_status="Failure"}[${lab.window(3600)}])) > 0`,
    forSeconds: 0,
    severity: "warning",
    area: "backup",
    summary: "Snapshots of volumes fail.",
    description: "{{ $labels.operation_name }} by {{ $labels.driver_name }} has failed within the last hour.",
  });

function unwatched(lab: Lab, job: string): Alert {
  return alert({
    name: "KubernetesStorageUnwatched",
    expression: `absent(up{job="${job}"})`,
    forSeconds: lab.hold(900),
    severity: "warning",
    area: "monitoring",
    summary: "Volumes of Kubernetes are not watched.",
    description:
      "Prometheus has no target of the job {{ $labels.job }}: alerts on volumes and snapshots stay silent.",
    acrossInstances: "nodes of Kubernetes come and go; that none at all is scraped is what counts",
  });
}
