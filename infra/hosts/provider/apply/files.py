"""Files and directories: what differs, room for it, putting it in place, taking it away."""

import os
import stat

from accounts import group_name, ids_of, owner_name
from content import installed_digest
from host import Failure, partial_path, sync_folder, unlink_if_there, write_atomically


def facts_of(path):
    """What lies under a name: kind, mode, owner and group; a symbolic link is not followed."""
    try:
        found = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return {"kind": "missing"}
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symbolic link"}
    return {
        "kind": kinds.get(stat.S_IFMT(found.st_mode), "special file"),
        "mode": f"0{stat.S_IMODE(found.st_mode):03o}",
        "owner": owner_name(found.st_uid),
        "group": group_name(found.st_gid),
    }


def same_marks(facts, item):
    return all(facts[key] == item[key] for key in ("mode", "owner", "group"))


def differs(file, prepared):
    facts = facts_of(file["path"])
    if facts["kind"] == "directory":
        raise Failure(f'{file["path"]} is a directory on the host: move it away or deliver to another path')
    if facts["kind"] != "file" or not same_marks(facts, file):
        return True
    return installed_digest(file["path"]) != prepared.sha256


def install(file, prepared):
    """Brings one file to the wanted content, mode and owner."""
    path, mode = file["path"], int(file["mode"], 8)
    uid, gid = ids_of(file)
    if prepared.staged is None or installed_digest(path) == prepared.sha256:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return
    with open(prepared.staged, "rb") as source:
        write_atomically(path, source, mode, uid, gid)


def remove(path):
    unlink_if_there(partial_path(path))
    if facts_of(path)["kind"] in ("missing", "directory"):
        return False
    os.unlink(path)
    sync_folder(os.path.dirname(path))
    return True


def folders_to_make(plan):
    """Directories that do not exist yet, outermost first: those of the plan and the parents of everything in it."""
    wanted = {directory["path"] for directory in plan["directories"]}
    missing = set()
    for path in wanted | {os.path.dirname(file["path"]) for file in plan["files"]}:
        while not os.path.isdir(path):
            if os.path.lexists(path):
                raise Failure(f"{path} is not a directory on the host: move it away or deliver to another path")
            missing.add(path)
            path = os.path.dirname(path)
    return sorted(missing)


def make_folders(plan, missing):
    """Makes what is missing; parents nobody described are root's, 0755. Returns the paths made or corrected."""
    changed = []
    for path in missing:
        if not os.path.isdir(path):
            os.mkdir(path, 0o755)
            os.chmod(path, 0o755)
            changed.append(path)
    for directory in plan["directories"]:
        path = directory["path"]
        facts = facts_of(os.path.realpath(path))
        if not same_marks(facts, directory):
            os.chown(path, *ids_of(directory))
            os.chmod(path, int(directory["mode"], 8))
            if path not in changed:
                changed.append(path)
    return changed


def remove_made_folders(made, kept):
    """Removes directories that a delivery made and nobody needs, innermost first; one with content stays."""
    left = []
    for path in sorted(made, reverse=True):
        if path in kept:
            left.append(path)
            continue
        try:
            os.rmdir(path)
        except FileNotFoundError:
            continue
        except OSError:
            left.append(path)
    return sorted(left)


def refuse_without_room(changes):
    """Refuses what a file system cannot hold: a change lies beside its predecessor before it replaces it."""
    needed, where = {}, {}
    for file, prepared in changes:
        folder = os.path.dirname(file["path"])
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        device = os.stat(folder).st_dev
        needed[device] = needed.get(device, 0) + prepared.size + 4096
        where.setdefault(device, folder)
    for device, size in needed.items():
        room = os.statvfs(where[device])
        free = room.f_bavail * room.f_frsize
        if size > free:
            raise Failure(
                f"the file system of {where[device]} has {free // 1024} KiB free and {size // 1024} KiB are needed: "
                "make room and deliver again; nothing was changed"
            )
