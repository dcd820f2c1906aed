"""System users: created where missing, given the groups they lack, never removed."""

import grp
import os
import pwd

from host import Failure, Lock, require


def exists(name):
    try:
        pwd.getpwnam(name)
        return True
    except KeyError:
        return False


def group_exists(name):
    try:
        grp.getgrnam(name)
        return True
    except KeyError:
        return False


def missing_groups(user):
    return [g for g in user["groups"] if not (group_exists(g) and user["name"] in grp.getgrnam(g).gr_mem)]


def ensure(plan):
    """Returns the names of the users that were created or given a group."""
    wanted = [user for user in plan["users"] if not exists(user["name"]) or missing_groups(user)]
    if not wanted:
        return []
    # Deliveries of several programs may run at once, and useradd refuses instead of waiting.
    lock = os.path.join(plan["stateFolder"], "accounts.lock")
    with Lock(lock, "the list of accounts", plan["owner"], plan["lockWaitSeconds"]):
        for user in wanted:
            _ensure_one(user)
    return [user["name"] for user in wanted]


def _ensure_one(user):
    name = user["name"]
    if exists(name):
        missing = ",".join(missing_groups(user))
        require(["usermod", "--append", "--groups", missing, name], f"adding user {name} to {missing}")
        return
    command = ["useradd", "--system", "--shell", user["shell"], "--no-create-home"]
    command += ["--gid", name] if group_exists(name) else ["--user-group"]
    if user.get("home"):
        command += ["--home-dir", user["home"]]
    if user["groups"]:
        command += ["--groups", ",".join(user["groups"])]
    require([*command, name], f"creating user {name}")


def refuse_unknown_owners(plan):
    """Refuses an owner or group that neither exists nor is about to be created: found before anything changes."""
    created = {user["name"] for user in plan["users"]}
    for item in [*plan["files"], *plan["directories"]]:
        if not item["owner"] in created and not exists(item["owner"]):
            raise Failure(f'{item["path"]}: the host has no user {item["owner"]}; name it in users')
        if not item["group"] in created and not group_exists(item["group"]):
            raise Failure(f'{item["path"]}: the host has no group {item["group"]}; a user in users brings its own')


def ids_of(item):
    return pwd.getpwnam(item["owner"]).pw_uid, grp.getgrnam(item["group"]).gr_gid


def owner_name(uid):
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid):
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
