"""Small and failing disks."""

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE = 1


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True)


class SmallDisk:
    """A memory disk of a few megabytes that can be made larger or read-only while it is used."""

    def __init__(self, path: Path, megabytes: int):
        self.path = path
        path.mkdir()
        done = run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(path))
        if done.returncode != 0:
            raise PermissionError(done.stderr.strip())

    def resize(self, megabytes: int) -> None:
        done = run("mount", "-o", f"remount,size={megabytes}m", str(self.path))
        assert done.returncode == 0, done.stderr

    def unmount(self) -> None:
        run("umount", "--lazy", str(self.path))


@contextlib.contextmanager
def small(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    disk = SmallDisk(path, megabytes)
    try:
        yield disk
    finally:
        disk.unmount()


def obey_file_modes() -> None:
    """For a new process: root, too, may no longer write what a file's mode forbids."""
    if os.geteuid() == 0 and _LIBC.prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_CAPBSET_DROP)")
