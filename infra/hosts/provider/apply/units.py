"""systemd units: enabling, starting, reloading, restarting, and whether they stay up."""

import time

from host import Failure, emit, require, run

PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,Type,Result,NRestarts,ConditionResult,ConditionTimestampMonotonic"
ENABLED = ("enabled", "enabled-runtime", "linked", "linked-runtime")
DISABLED = ("disabled", "masked", "masked-runtime", "")


def show(name):
    return show_all([name])[name]


def show_all(names):
    """Name → facts, with one question for all of them: a host has dozens of units."""
    names = [name for name in names if not is_template(name)]
    if not names:
        return {}
    text = require(["systemctl", "show", f"--property={PROPERTIES}", "--", *names], f"asking systemd for {names[0]}")
    blocks = text.strip("\n").split("\n\n")
    if len(blocks) != len(names):
        raise Failure(f"systemd was asked for {len(names)} units and answered for {len(blocks)}")
    return dict(zip(names, map(_parse, blocks)))


def _parse(block):
    found = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
    return {"NRestarts": "0", "ConditionTimestampMonotonic": "0", **found}


def is_template(name):
    return "@." in name


def template_of(name):
    """The template that an instance such as `x@1.service` is made from; None for other units."""
    if "@" not in name:
        return None
    return name.split("@")[0] + "@." + name.rsplit(".", 1)[1]


def is_active(facts):
    return facts.get("ActiveState") in ("active", "reloading")


def has_finished(facts):
    """A oneshot service that ran to a good end is not active any more, and that is its job."""
    return facts.get("Type") == "oneshot" and facts.get("ActiveState") == "inactive" and facts["Result"] == "success"


def is_at_work(facts):
    """A oneshot service is "activating" as long as it runs, whoever started it: its timer, for example."""
    at_work = facts.get("ActiveState") == "activating" and facts.get("SubState") != "auto-restart"
    return facts.get("Type") == "oneshot" and at_work


def is_skipped(facts):
    """A unit whose own conditions say that this host cannot have it, such as a clock that a container cannot set."""
    asked = facts["ConditionTimestampMonotonic"] != "0"
    return asked and facts.get("ActiveState") == "inactive" and facts.get("ConditionResult") == "no"


def is_content(facts):
    """Whether a unit does what is wanted of one that is started."""
    return is_active(facts) or has_finished(facts) or is_at_work(facts) or is_skipped(facts)


def is_absent(unit, facts):
    """What is not installed neither runs nor starts with the host, and no more is wanted of some units."""
    return facts.get("LoadState") == "not-found" and unit["state"] == "stopped" and not unit["enabled"]


def enabled_of(facts):
    """True, False, or None where the unit has nothing to enable (static, generated and so on)."""
    state = facts.get("UnitFileState", "")
    return True if state in ENABLED else False if state in DISABLED else None


def systemctl(verb, name):
    result = run(["systemctl", "--no-ask-password", verb, "--", name])
    if result.returncode != 0:
        raise unit_failure(name, f"systemctl {verb} {name} failed: {result.stderr.strip()}")


def unit_failure(name, message):
    run(["journalctl", "--sync"])
    journal = run(["journalctl", "--unit", name, "--lines", "20", "--no-pager", "--output", "cat", "--quiet"])
    said = journal.stdout.strip()
    if journal.returncode != 0 or not said:
        said = run(["systemctl", "status", "--no-pager", "--lines", "20", "--", name]).stdout.strip()
    return Failure(message, said.splitlines()[-20:])


def retire(names, keep_running):
    """Stops and disables units; those that another delivery also names stay as they are."""
    for name in names:
        if name in keep_running or is_template(name):
            continue
        if show(name).get("LoadState") == "not-found":
            continue
        systemctl("stop", name)
        systemctl("disable", name)
        emit("unit", name=name, action="stop")


def daemon_reload():
    require(["systemctl", "daemon-reload"], "systemctl daemon-reload")
    emit("daemon-reload")


def set_enabled(units):
    shown = show_all([unit["name"] for unit in units])
    for unit in units:
        if is_template(unit["name"]):
            continue
        facts = shown[unit["name"]]
        if is_absent(unit, facts):
            continue
        if facts.get("LoadState") == "not-found":
            raise Failure(f'systemd on this host has no unit {unit["name"]}: give its content or install its package')
        if enabled_of(facts) not in (None, unit["enabled"]):
            verb = "enable" if unit["enabled"] else "disable"
            systemctl(verb, unit["name"])
            emit("unit", name=unit["name"], action=verb)


def choose_action(unit, facts, pending):
    """What brings a unit to its wanted state; `pending` is start, reload or restart where something changed."""
    if unit["state"] == "none":
        return None
    active = is_active(facts)
    if unit["state"] == "stopped":
        return "stop" if active or facts.get("ActiveState") == "activating" else None
    if is_at_work(facts) and pending:
        # It has begun with what was there before.
        return "restart"
    if not active:
        return None if is_content(facts) and not pending else "start"
    if pending == "reload":
        return "reload" if unit["reloadable"] else "restart"
    return "restart" if pending == "restart" else None


def activate(units, pending, done):
    """
    Brings each unit to its state, each at most once: first the reloads, which disturb nobody and find a wrong
    configuration, then the rest, both in the plan's order. `done(name)` is called after each.
    Returns the number of automatic restarts that each unit acted on had behind it.
    """
    shown = show_all([unit["name"] for unit in units])
    actions = []
    for unit in units:
        name = unit["name"]
        actions.append((name, choose_action(unit, shown[name], pending.get(name)) if name in shown else None))
    acted = {}
    for name, action in sorted(actions, key=lambda entry: entry[1] != "reload"):
        if action:
            if action in ("start", "restart"):
                # A unit that failed too often would refuse to start, whatever was mended.
                run(["systemctl", "reset-failed", "--", name])
            systemctl(action, name)
            emit("unit", name=name, action=action)
            if action != "stop":
                acted[name] = show(name)["NRestarts"]
        done(name)
    return acted


def verify(units, acted, settle_seconds):
    """Fails when a unit that should run does not, or dies within the settling time."""
    started = [unit["name"] for unit in units if unit["state"] == "started"]
    deadline = time.monotonic() + (settle_seconds if acted else 0)
    while True:
        for name, facts in show_all(started).items():
            if not is_content(facts):
                state = f'{facts.get("ActiveState")} ({facts.get("SubState")}, result {facts.get("Result")})'
                raise unit_failure(name, f"{name} does not stay up: it is {state}")
            if name in acted and facts["NRestarts"] != acted[name]:
                raise unit_failure(name, f"{name} does not stay up: systemd has restarted it since")
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 0.25))
