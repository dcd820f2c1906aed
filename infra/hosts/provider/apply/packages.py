"""Packages of the distribution: what is missing is installed; nothing is upgraded, nothing is removed."""

import os
import time

from host import Failure, emit, run

# An unattended upgrade may be at work.
LOCK_WAIT_SECONDS = 600
LOCK_SIGNS = ("Could not get lock", "Unable to lock directory")
OPTIONS = [
    *("-q", "-y", "-o", f"DPkg::Lock::Timeout={LOCK_WAIT_SECONDS}"),
    # A configuration file that somebody changed stays as it is.
    *("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"),
]


def missing(names):
    if not names:
        return []
    asked = run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\\n", "--", *names])
    installed = {line.removesuffix(" installed") for line in asked.stdout.splitlines() if line.endswith(" installed")}
    return [name for name in names if name not in installed]


def ensure(names, lock_wait_seconds=LOCK_WAIT_SECONDS):
    """Returns the names that were installed."""
    wanted = missing(names)
    if not wanted:
        return []
    emit("installing", packages=wanted)
    what = f'installing {", ".join(wanted)}'
    updated = _apt(["update"], lock_wait_seconds)
    done = _apt(["install", *OPTIONS, "--", *wanted], lock_wait_seconds)
    if done.returncode != 0:
        # Lists that could not be fetched are the likeliest reason why a package is not found.
        said = updated.stderr.strip().splitlines() + (done.stdout + done.stderr).strip().splitlines()
        complaint = next((line for line in reversed(said) if line.startswith("E: ")), f"apt-get ended with {done.returncode}")
        raise Failure(f"{what} failed: {complaint}; no file of the delivery was changed", said[-20:])
    still = missing(wanted)
    if still:
        raise Failure(f'{what} ended well, but {", ".join(still)} is not there: name the package itself, not what it provides')
    return wanted


def _apt(arguments, lock_wait_seconds):
    """The lock on the package lists is one that apt-get itself does not wait for."""
    deadline = time.monotonic() + lock_wait_seconds
    # Restarting services is for whoever delivers, not for needrestart.
    os.environ.update(DEBIAN_FRONTEND="noninteractive", NEEDRESTART_SUSPEND="1")
    while True:
        result = run(["apt-get", *arguments])
        locked = any(sign in result.stderr for sign in LOCK_SIGNS)
        if result.returncode == 0 or not locked or time.monotonic() >= deadline:
            return result
        time.sleep(min(2, max(0.05, deadline - time.monotonic())))
