"""What a delivery has put on the host, kept there, so that what the program no longer names can be removed."""

import io
import json
import os

from host import Failure, write_atomically

VERSION = 1


def folder_of(plan):
    return os.path.join(plan["stateFolder"], plan["name"])


def empty():
    return {
        "version": VERSION,
        "id": None,
        "owner": None,
        "files": {},
        "madeDirectories": [],
        "units": {},
        "pending": {"daemonReload": False, "units": {}},
    }


def load(path):
    """The manifest in a folder, or None where there is none."""
    try:
        with open(os.path.join(path, "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Failure(f"{path}/manifest.json is damaged ({error}): restore it or remove it and deliver again") from error
    if manifest.get("version") != VERSION:
        raise Failure(f"{path}/manifest.json has version {manifest.get('version')}, this program writes {VERSION}")
    return manifest


def save(plan, manifest):
    data = json.dumps(manifest, indent=1).encode()
    write_atomically(os.path.join(folder_of(plan), "manifest.json"), io.BytesIO(data), 0o600)


def others(plan):
    """The manifests of the other deliveries on this host, by name."""
    found = {}
    for entry in os.scandir(plan["stateFolder"]):
        if entry.is_dir() and entry.name != plan["name"]:
            manifest = load(entry.path)
            if manifest:
                found[entry.name] = manifest
    return found


def refuse_foreign(plan, manifest):
    """A second resource under the same name would remove the files of the first one."""
    if manifest["id"] in (None, plan["id"]) or manifest["owner"] == plan["owner"]:
        return
    raise Failure(
        f'delivery "{plan["name"]}" on this host belongs to {manifest["owner"]}: give this one another name, '
        "or an alias if the resource was renamed, or, if the other no longer exists, "
        f"remove {folder_of(plan)}/manifest.json on the host"
    )


def refuse_overlap(plan):
    for name, manifest in others(plan).items():
        for file in plan["files"]:
            if file["path"] in manifest["files"]:
                raise Failure(f'{file["path"]} already belongs to delivery "{name}" on this host: name it in one only')
