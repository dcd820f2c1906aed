"""
Looks at the host of Proxmox Backup Server and writes what node_exporter does not know by itself: whether each
datastore lies on a file system of its own, how the disks are, and whether updates can be had.
`backup-host-checks CONFIGURATION TARGET`; what cannot be asked is left out, and other metrics tell of it.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time


class Metrics:
    def __init__(self):
        self.families = {}

    def add(self, name, text, value, **labels):
        pairs = ",".join(f'{key}="{escaped(label)}"' for key, label in labels.items())
        line = f"lab_backup_host_{name}{{{pairs}}} {value}" if pairs else f"lab_backup_host_{name} {value}"
        self.families.setdefault(name, (text, []))[1].append(line)

    def text(self):
        return "".join(
            f"# HELP lab_backup_host_{name} {text}\n# TYPE lab_backup_host_{name} gauge\n" + "\n".join(lines) + "\n"
            for name, (text, lines) in self.families.items()
        )


def escaped(label):
    return str(label).replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


def asked(*command):
    """The JSON that a program answers with, whatever its exit status; None where it is missing or says nothing."""
    program = shutil.which(command[0])
    if not program:
        return None
    try:
        result = subprocess.run([program, *command[1:]], capture_output=True, timeout=60, check=False)
        return json.loads(result.stdout)
    except (subprocess.TimeoutExpired, ValueError):
        return None


def datastores(metrics, paths):
    for name, path in paths.items():
        try:
            # Without its disk, the folder is one of the system's disk, and backups would fill that.
            mounted = os.stat(path).st_dev != os.stat("/").st_dev
            space = os.statvfs(path)
        except OSError:
            metrics.add("datastore_mounted", "Whether a datastore lies on a file system of its own.", 0, datastore=name)
            continue
        metrics.add("datastore_mounted", "Whether a datastore lies on a file system of its own.", int(mounted), datastore=name)
        size, available = space.f_blocks * space.f_frsize, space.f_bavail * space.f_frsize
        metrics.add("datastore_size_bytes", "Size of the file system that a datastore lies on.", size, datastore=name)
        metrics.add("datastore_available_bytes", "What is free there.", available, datastore=name)


def disks(metrics):
    found = (asked("smartctl", "--scan", "--json") or {}).get("devices", [])
    metrics.add("disks", "Disks that can be asked for their health.", len(found))
    for device in found:
        said = asked("smartctl", "--json", "--all", "--device", device["type"], device["name"]) or {}
        labels = {"device": device["name"], "model": said.get("model_name", ""), "serial": said.get("serial_number", "")}
        passed = said.get("smart_status", {}).get("passed")
        if passed is not None:
            metrics.add("disk_healthy", "What a disk itself says of its health.", int(passed), **labels)
        celsius = said.get("temperature", {}).get("current")
        if celsius is not None:
            metrics.add("disk_temperature_celsius", "How warm a disk is.", celsius, **labels)
        nvme = said.get("nvme_smart_health_information_log", {})
        if "percentage_used" in nvme:
            used = nvme["percentage_used"] / 100
            metrics.add("disk_wear_ratio", "How much of its promised writes a disk has behind it.", used, **labels)
        if "media_errors" in nvme:
            metrics.add("disk_media_errors", "Data that a disk could not give back, since it was made.", nvme["media_errors"], **labels)


def updates(metrics, sources, lists):
    """Without a source that answers, the server gets no security updates, and nobody notices."""
    configured = "".join(enabled(os.path.join(sources, name)) for name in sorted(listed(sources)))
    for repository in ("enterprise", "no-subscription", "test"):
        there = int(f"pbs-{repository}" in configured)
        metrics.add("repository_enabled", "Whether a package source of the server is enabled.", there, repository=repository)
    fetched = any(re.search(r"proxmox\.com_debian_pbs_dists_.*Release$", name) for name in listed(lists))
    metrics.add("repository_fetched", "Whether a package source of the server has answered.", int(fetched))
    subscription = asked("proxmox-backup-manager", "subscription", "get", "--output-format", "json")
    if subscription is not None:
        active = int(subscription.get("status", "").lower() == "active")
        metrics.add("subscription_active", "Whether the server has a subscription, which its enterprise source asks for.", active)


def enabled(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return ""
    if path.endswith(".list"):
        return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    stanzas = re.split(r"\n\s*\n", text) if path.endswith(".sources") else []
    return "\n\n".join(each for each in stanzas if not re.search(r"^Enabled:\s*(no|false)", each, re.I | re.M))


def listed(folder):
    try:
        return os.listdir(folder)
    except OSError:
        return []


def main(configuration, target):
    with open(configuration, encoding="utf-8") as file:
        config = json.load(file)
    metrics = Metrics()
    datastores(metrics, config["datastores"])
    disks(metrics)
    updates(metrics, config["aptSources"], config["aptLists"])
    metrics.add("checked_timestamp_seconds", "When all of this was looked at.", int(time.time()))
    with open(target + ".new", "w", encoding="utf-8") as file:
        file.write(metrics.text())
    os.chmod(target + ".new", 0o644)
    os.rename(target + ".new", target)


main(*sys.argv[1:])
