"""
Brings a host to what a plan says: `python3 apply STAGING`, where STAGING holds plan.json and the contents it names.
Writes one JSON object a line to standard output; the last is `done`, `facts` or, with exit status 1, `failed`.
A run may be killed at any point: no file is ever partial under its name, and the next run ends what was begun.
"""

import json
import os
import shutil
import sys

import accounts
import content
import files
import first_boot
import manifest
import packages
import units
from host import Failure, Lock, emit, unlink_if_there


def deliver(plan, staging):
    first_boot.wait()
    before = manifest.load(manifest.folder_of(plan)) or manifest.empty()
    manifest.refuse_foreign(plan, before)
    manifest.refuse_overlap(plan)
    # First, since the accounts and programs that the rest needs may be theirs.
    for name in packages.ensure(plan["packages"]):
        emit("package", name=name)
    accounts.refuse_unknown_owners(plan)
    prepared = content.prepare(plan, before["files"], staging)
    changes = [(f, prepared[f["path"]]) for f in plan["files"] if files.differs(f, prepared[f["path"]])]
    content.refuse_invalid(changes)
    new_folders = files.folders_to_make(plan)
    files.refuse_without_room(changes)

    wanted_files = {f["path"]: file_record(f, prepared[f["path"]]) for f in plan["files"]}
    wanted_units = {u["name"]: {} for u in plan["units"]}
    gone_files = [path for path in before["files"] if path not in wanted_files]
    gone_units = [name for name in before["units"] if name not in wanted_units]
    # Written before the first change: whatever this run begins, the next one can see and end.
    now = {
        **before,
        "id": plan["id"],
        "owner": plan["owner"],
        "files": {**before["files"], **wanted_files},
        "units": {**before["units"], **wanted_units},
        "madeDirectories": sorted({*before["madeDirectories"], *new_folders}),
        "pending": pending_after(plan, before, changes, gone_files),
    }
    manifest.save(plan, now)

    retire(plan, before, gone_units)
    for user in accounts.ensure(plan):
        emit("user", name=user)
    for path in files.make_folders(plan, new_folders):
        emit("directory", path=path)
    for file, entry in changes:
        files.install(file, entry)
        emit("changed", path=file["path"])
    for path in gone_files:
        if files.remove(path):
            emit("removed", path=path)
    activate(plan, now)

    kept = {d["path"] for d in plan["directories"]} | {os.path.dirname(path) for path in wanted_files}
    manifest.save(
        plan,
        {
            **now,
            "files": wanted_files,
            "units": wanted_units,
            "madeDirectories": files.remove_made_folders(now["madeDirectories"], kept),
        },
    )
    emit("done", installed={path: record["sha256"] for path, record in wanted_files.items()})


def file_record(file, prepared):
    source = content.source_key(file["source"]) if "source" in file else None
    return {"sha256": prepared.sha256, "source": source, "activates": file["activates"]}


def pending_after(plan, before, changes, gone_files):
    """Which units have to be activated, with what an earlier run did not get to."""
    pending = {u["name"]: "start" for u in plan["units"] if u["name"] not in before["units"]}
    pending.update(before["pending"]["units"])
    touched = [(file["path"], file["activates"]) for file, _ in changes]
    touched += [(path, before["files"][path]["activates"]) for path in gone_files]
    for path, names in touched:
        for name in names:
            # A reload reads a service's own configuration, not the unit that describes the service.
            if pending.get(name) != "restart":
                pending[name] = "restart" if is_unit_path(plan, path) else "reload"
    units_touched = any(is_unit_path(plan, path) for path, _ in touched)
    return {"daemonReload": before["pending"]["daemonReload"] or units_touched, "units": pending}


def is_unit_path(plan, path):
    """Also drop-ins: systemd reads everything below its folder."""
    return path.startswith(plan["unitFolder"] + "/")


def retire(plan, before, names):
    """A unit that the distribution brings was there before the delivery, and others may live on it: it stays."""
    own = [name for name in names if any(path in before["files"] for path in unit_paths(plan, name))]
    others = [other["units"] for other in manifest.others(plan).values()]
    units.retire(reversed(own), {name for other in others for name in other})


def unit_paths(plan, name):
    """Where the file of a unit can lie: under its own name, or under that of its template."""
    return [os.path.join(plan["unitFolder"], each) for each in (name, units.template_of(name)) if each]


def activate(plan, now):
    pending = now["pending"]
    if pending["daemonReload"]:
        units.daemon_reload()
        pending["daemonReload"] = False
        manifest.save(plan, now)
    units.set_enabled(plan["units"])

    def done(name):
        if pending["units"].pop(name, None):
            manifest.save(plan, now)

    acted = units.activate(plan["units"], pending["units"], done)
    units.verify(plan["units"], acted, plan["settleSeconds"])
    pending["units"].clear()


def withdraw(plan):
    """Removes everything the delivery put on the host. Nothing is left to remove on a host without its manifest."""
    before = manifest.load(manifest.folder_of(plan))
    if before is None or before["id"] != plan["id"]:
        emit("done", installed={})
        return
    retire(plan, before, list(before["units"]))
    for path in before["files"]:
        if files.remove(path):
            emit("removed", path=path)
    if any(is_unit_path(plan, path) for path in before["files"]):
        units.daemon_reload()
    files.remove_made_folders(before["madeDirectories"], set())
    unlink_if_there(os.path.join(manifest.folder_of(plan), "manifest.json"))
    unlink_if_there(os.path.join(manifest.folder_of(plan), "lock"))
    emit("done", installed={})


def report_facts(plan):
    found = manifest.load(manifest.folder_of(plan))
    if found is None or found["id"] != plan["id"]:
        emit("facts", exists=False)
        return
    file_facts = {}
    for file in plan["files"]:
        facts = files.facts_of(file["path"])
        if facts["kind"] == "file":
            facts["sha256"] = content.installed_digest(file["path"])
        file_facts[file["path"]] = facts
    unit_facts = {}
    shown = units.show_all([unit["name"] for unit in plan["units"]])
    for unit in plan["units"]:
        facts = shown.get(unit["name"], {})
        running = units.is_active(facts) or (unit["state"] == "started" and units.is_content(facts))
        unit_facts[unit["name"]] = {"enabled": units.enabled_of(facts), "state": "started" if running else "stopped"}
    emit(
        "facts",
        exists=True,
        files=file_facts,
        directories={d["path"]: files.facts_of(os.path.realpath(d["path"])) for d in plan["directories"]},
        packages=sorted({*plan["packages"]} - {*packages.missing(plan["packages"])}),
        users=[user["name"] for user in plan["users"] if accounts.exists(user["name"])],
        units=unit_facts,
        recorded={path: record["sha256"] for path, record in found["files"].items()},
    )


def clean(plan, staging):
    """Removes this run's staging folder, those of killed runs, and folders that nothing is in any more."""
    shutil.rmtree(staging, ignore_errors=True)
    incoming = os.path.dirname(staging)
    for entry in os.scandir(incoming):
        # A staging folder is named after the process that fills it.
        if not os.path.exists(f"/proc/{entry.name}"):
            shutil.rmtree(entry.path, ignore_errors=True)
    for folder in (incoming, manifest.folder_of(plan)):
        try:
            os.rmdir(folder)
        except OSError:
            return


def main(staging):
    try:
        with open(os.path.join(staging, "plan.json"), encoding="utf-8") as file:
            plan = json.load(file)
    except FileNotFoundError:
        raise Failure("the upload ended early: deliver again") from None
    try:
        if plan["mode"] == "facts":
            report_facts(plan)
            return
        lock = os.path.join(manifest.folder_of(plan), "lock")
        with Lock(lock, f'delivery "{plan["name"]}"', plan["owner"], plan["lockWaitSeconds"]):
            deliver(plan, staging) if plan["mode"] == "apply" else withdraw(plan)
    finally:
        clean(plan, staging)


if __name__ == "__main__":
    os.umask(0o077)
    try:
        main(os.path.abspath(sys.argv[1]))
    except Failure as failure:
        emit("failed", message=str(failure), lines=failure.lines)
        sys.exit(1)
    except OSError as error:
        emit("failed", message=str(error), lines=[])
        sys.exit(1)
