"""Kernels that start with everything imported: forked from one process that has it already.

Importing IPython, pandas and matplotlib takes a kernel about a second and a half, and a cold
build starts one for each chapter. Here one process imports them once and forks a kernel whenever
it is asked; it answers with the kernel's process id.
Only on Linux: elsewhere a fork is missing, or unsafe beside the system's libraries.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

#: What nearly every chapter imports, and what a kernel imports before its first cell.
PRELOADED = (
    "ipykernel.kernelapp", "ipykernel.ipkernel", "matplotlib_inline.backend_inline",
    "matplotlib.pyplot", "matplotlib.backends.backend_svg", "matplotlib.backends.backend_agg",
    "pandas", "myst_nb", "guide.figures", "guide.ledger", "guide.prose", "guide.tables",
    "guide.transformer",
)
AVAILABLE = sys.platform == "linux"


def tie_to_parent() -> None:
    """Have the system end this process, and all that it forks, when the one that started it ends.

    Without it a build that is killed leaves processes behind that go on computing.
    Only on Linux; elsewhere they end when they next speak to their parent.
    """
    if not AVAILABLE:
        return
    import ctypes

    parent, libc = os.getppid(), ctypes.CDLL(None)

    def tie(parent: int) -> None:
        libc.prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG, which a fork does not inherit
        if os.getppid() != parent:  # it had ended before it could be said
            os._exit(1)

    tie(parent)
    fathers = [os.getpid()]
    os.register_at_fork(before=lambda: fathers.__setitem__(0, os.getpid()),
                        after_in_child=lambda: tie(fathers[0]))


def start() -> tuple[subprocess.Popen, str]:
    """Start the process that forks kernels.

    Returns
    -------
    tuple
        The process, which ends when its standard input is closed, and the path of the socket
        at which :func:`fork_kernel` reaches it.
    """
    folder = tempfile.mkdtemp(prefix="guide-")
    path = str(Path(folder) / "nursery")
    process = subprocess.Popen(
        [sys.executable, "-m", "guide.nursery", path], stdin=subprocess.PIPE,
        env=os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    )
    return process, path


def stop(process: subprocess.Popen, path: str) -> None:
    """End the process and remove its socket."""
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=5)
    process.kill()
    Path(path).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        Path(path).parent.rmdir()


def fork_kernel(path: str, connection: str, folder: str, environment: dict[str, str]) -> int:
    """Ask for a kernel.

    Parameters
    ----------
    path : str
        Where the process listens.
    connection : str
        The kernel's connection file.
    folder : str
        The folder in which it runs.
    environment : dict
        The environment in which it runs.

    Returns
    -------
    int
        The kernel's process id.

    Raises
    ------
    OSError
        If nobody listens.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(json.dumps([connection, folder, environment]).encode() + b"\n")
        with line.makefile() as answer:
            text = answer.readline()
    if not text:
        raise OSError("the process that forks kernels has ended")
    return int(text)


def _kernel(connection: str, folder: str, environment: dict[str, str]) -> None:
    """Become a kernel; does not return."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # ends with its parent, as all that is forked here, and says nothing about how to connect
    sys.argv = ["ipykernel_launcher", "-f", connection, f"--IPKernelApp.parent_handle={os.getppid()}"]
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    IPKernelApp.launch_instance(sys.argv[1:])


def serve(path: str) -> None:
    """Import once, then fork a kernel for each caller until standard input is closed."""
    import select

    tie_to_parent()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    for name in PRELOADED:
        importlib.import_module(name)
    from . import data, ledger

    data.package()
    ledger.claims()
    # what is imported stays; kernels need not look through it for garbage, nor copy it to do so
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system buries the kernels
    while True:
        ready, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in ready:
            return
        line, _ = listener.accept()
        with line, line.makefile() as request:
            wish = json.loads(request.readline())
            child = os.fork()
            if child == 0:
                listener.close()
                line.close()
                try:
                    _kernel(*wish)
                finally:
                    os._exit(0)
            line.sendall(f"{child}\n".encode())


if __name__ == "__main__":
    serve(sys.argv[1])
