"""Commands in processes of their own that begin with everything imported: forked from one that has done it.

To start Python and import what a command needs takes ten seconds on a slow core, more than most commands of the tests
last, and what these tests are about comes after it. How a command starts is tested where it is started as users do.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

import torch

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    ["torch.distributed.launcher", "rugged.cli", "rugged.export", "rugged.pipelines.demo", "rugged.pipelines.study"]
)


class Forked:
    """A running module, such as ``rugged``, that hears signals and ends as if ``python -m`` had started it.

    Args:
        module: What to run.
        arguments: For it.
        folder: Where it runs; modules are found there, too.
        variables: Of its environment, beside those of this process. It computes in one thread.
    """

    def __init__(
        self, module: str, arguments: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        opened, told = tempfile.mkstemp()
        os.close(opened)
        self._told = Path(told)
        environment = {**os.environ, "OMP_NUM_THREADS": "1", **(variables or {})}
        begun, begin = _context.Pipe(duplex=False)
        asked = (module, tuple(arguments), str(folder), environment, told, begin)
        self._process = _context.Process(target=_run, args=asked)
        self._process.start()
        begun.recv()  # Before that a signal would meet what multiprocessing does, not the command.
        begun.close()
        begin.close()

    @property
    def returncode(self) -> int | None:
        """Its exit status, or minus the signal that ended it; None while it runs."""
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self._process.is_alive():
            os.kill(self._process.pid, number)

    def communicate(self, timeout: float) -> str:
        """Wait for its end, once, and give what it wrote to standard output and standard error."""
        self._process.join(timeout)
        ended = not self._process.is_alive()
        self._process.kill()
        self._process.join()
        told = self._told.read_text(encoding="utf-8")
        self._told.unlink()
        if not ended:
            raise TimeoutError(f"still running after {timeout} s; it wrote:\n{told}")
        return told


def torchrun(arguments: Sequence[str], folder: Path, restarts: int = 0) -> Forked:
    """Two processes of a script that ``torchrun`` starts, watches and starts again.

    Args:
        arguments: The script and its arguments.
        folder: Where it runs.
        restarts: How often they may be started again.
    """
    options = ("--standalone", "--nproc-per-node=2", f"--max-restarts={restarts}", "--run-path", "--start-method=fork")
    return Forked("torch.distributed.run", (*options, *arguments), folder, {"CUDA_VISIBLE_DEVICES": ""})


CLIENT = """#!{python}
import os, sys
from multiprocessing.connection import Client
with Client({address!r}) as serving:
    serving.send((sys.argv[1:], os.getcwd()))
    status, told = serving.recv()
print(told, end="")
sys.exit(status)
"""


@contextmanager
def served(folder: Path, timeout: float) -> Iterator[None]:
    """While this lasts, an executable ``rugged`` in a folder has its commands forked: for the examples of a shell."""
    with Listener() as listener:
        thread = threading.Thread(target=_serve, args=(listener, timeout))
        thread.start()
        executable = folder / "rugged"
        executable.write_text(CLIENT.format(python=sys.executable, address=listener.address), encoding="utf-8")
        executable.chmod(0o755)
        try:
            yield
        finally:
            with Client(listener.address) as last:
                last.send(None)
            thread.join()


def _serve(listener: Listener, timeout: float) -> None:
    while True:
        with listener.accept() as asking:
            asked = asking.recv()
            if asked is None:
                return
            arguments, folder = asked
            process = Forked("rugged", arguments, Path(folder))
            try:
                told = process.communicate(timeout)
            except TimeoutError as error:
                asking.send((1, str(error)))
            else:
                asking.send((process.returncode, told))


def _run(
    module: str, arguments: tuple[str, ...], folder: str, environment: Mapping[str, str], told: str, begin: Connection
) -> None:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # As `rugged` does before it is loaded.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    begin.send(None)
    begin.close()
    torch.set_num_threads(1)  # The environment was read when torch was imported.
    os.environ.clear()
    os.environ.update(environment)
    output = os.open(told, os.O_WRONLY | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
