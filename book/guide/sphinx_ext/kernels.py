"""Kernels for the chapters, forked from one process that has imported what they need.

Where that cannot be done, Jupyter starts them in its own way, which takes longer and gives
the same pages.
"""

from __future__ import annotations

import os
import signal

from jupyter_client.provisioning import LocalProvisioner
from jupyter_client.provisioning import factory

from .. import nursery
from . import shortcuts

_NAME = "guide-nursery"


class _Forked:
    """A forked kernel as its provisioner sees a process; the system buries it when it ends."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid = pid

    def poll(self) -> int | None:
        """Return nothing while it runs."""
        try:
            os.kill(self.pid, 0)
        except OSError:
            return 0
        return None

    def wait(self) -> int:
        """Return once it has ended, which the provisioner has made sure of."""
        return self.poll() or 0

    def send_signal(self, number: int) -> None:
        """Send a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class Provisioner(LocalProvisioner):
    """Starts a kernel by asking the nursery for one."""

    path = ""

    async def launch_kernel(self, cmd, **kwargs):
        """Launch a kernel; in Jupyter's own way if the nursery does not answer."""
        try:
            pid = nursery.fork_kernel(
                self.path, cmd[cmd.index("-f") + 1], str(kwargs.get("cwd") or os.getcwd()),
                dict(kwargs.get("env") or os.environ),
            )
        except (OSError, ValueError):
            return await super().launch_kernel(cmd, **kwargs)
        self.process = _Forked(pid)
        self.pid = self.pgid = pid
        return self.connection_info


class _Entry:
    """What the factory takes for an entry point."""

    name = _NAME

    @staticmethod
    def load() -> type[Provisioner]:
        return Provisioner


def open_nursery(app):
    """Start the process that forks kernels, for a build that executes chapters."""
    app.guide_nursery = None
    if not nursery.AVAILABLE or not shortcuts.wanted() or not getattr(app, "guide_stale", None):
        return
    app.guide_nursery = nursery.start()
    Provisioner.path = app.guide_nursery[1]
    makers = factory.KernelProvisionerFactory.instance()
    makers.provisioners[_NAME] = _Entry
    makers.default_provisioner_name = _NAME


def close_nursery(app, error):
    """End that process."""
    if getattr(app, "guide_nursery", None):
        nursery.stop(*app.guide_nursery)
        factory.KernelProvisionerFactory.clear_instance()
        app.guide_nursery = None


def setup(app):
    """Register the handlers."""
    # after freshness has said what is stale
    app.connect("builder-inited", open_nursery, priority=600)
    app.connect("build-finished", close_nursery)
