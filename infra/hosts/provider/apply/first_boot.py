"""The host's first boot: packages and accounts that a delivery relies on come from cloud-init."""

import shutil

from host import Failure, emit, run


def wait():
    """Waits until cloud-init has ended. A host without it, or one that has booted long ago, is not held up."""
    if shutil.which("cloud-init") is None:
        return
    emit("first-boot")
    result = run(["cloud-init", "status", "--wait", "--long"])
    # 2 is a recoverable error, which newer versions report for a mere warning.
    if result.returncode not in (0, 2):
        said = (result.stdout + result.stderr).replace(".", "").strip()
        raise Failure(
            "cloud-init failed on this host, so that what the delivery relies on may be missing",
            said.splitlines()[-20:],
        )
