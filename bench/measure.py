"""One command, measured from outside: CPU of it and all its children, wall time, most memory, and how busy others were.

Memory is that of the whole tree of processes, 20 times a second as the system counts pages (resident, less what the
children share with others), and twice a second as proportional set size, which is exact and costs more to read. Most
of the size of a folder, such as a spool that goes away, is watched too. Linux only.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from copydesk.profile.processes import descendants

HZ = 20
PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")


@dataclass(slots=True, kw_only=True)
class Measured:
    """What a command took. `others`: CPU of other processes meanwhile, in processors; `folder`: most bytes in it."""

    exit: int
    wall: float
    cpu: float
    resident: int
    proportional: int
    others: float
    folder: int = 0
    output: str = ""
    errors: str = ""

    def as_json(self) -> dict[str, object]:
        return {name: value for name, value in asdict(self).items() if name not in {"output", "errors", "exit"}}


class Watch(threading.Thread):
    """Samples a process and its children until they are gone."""

    def __init__(self, pid: int, folder: Path | None) -> None:
        super().__init__(daemon=True)
        self._pid, self._folder = pid, folder
        self.resident = self.proportional = self.largest = 0
        self.ended = threading.Event()

    def run(self) -> None:
        for look in range(10**9):
            pids = [self._pid, *descendants(self._pid)]
            self.resident = max(self.resident, sum(resident(pid, whole=pid == self._pid) for pid in pids))
            if look % (HZ // 2) == 0:
                self.proportional = max(self.proportional, sum(map(proportional, pids)))
                if self._folder is not None:
                    self.largest = max(self.largest, size_of(self._folder))
            if self.ended.wait(1 / HZ):
                return


def resident(pid: int, *, whole: bool) -> int:
    """Bytes of a process in memory; of a child without what it shares."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0
    return (int(fields[1]) - (0 if whole else int(fields[2]))) * PAGE


def proportional(pid: int) -> int:
    """Bytes of a process, each shared page divided by those who share it."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def size_of(folder: Path) -> int:
    """Bytes of the files in a folder, now."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(path, name).stat().st_size
            except OSError:  # gone meanwhile
                continue
    return total


def run(
    argv: Sequence[str],
    *,
    timeout: float,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Measured:
    """Run a command to its end, or until `timeout` seconds have passed: then it is killed, and `exit` is negative."""
    busy, began = _busy(), time.perf_counter()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(
            argv, stdout=out, stderr=err, cwd=cwd, env={**os.environ, **(environment or {})}, start_new_session=True
        )
        watch = Watch(child.pid, folder)
        watch.start()
        killer = threading.Timer(timeout, _kill, [child.pid])
        killer.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            _kill(child.pid)
            raise
        finally:
            killer.cancel()
            watch.ended.set()
        child.returncode = os.waitstatus_to_exitcode(status)
        wall, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
        watch.join()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "replace"))
    return Measured(
        exit=child.returncode,
        wall=round(wall, 3),
        cpu=round(cpu, 3),
        resident=watch.resident,
        proportional=watch.proportional,
        others=round(max(0.0, (_busy() - busy - cpu) / wall), 2),
        folder=watch.largest,
        output=texts[0],
        errors=texts[1],
    )


def _kill(pid: int) -> None:
    """The command and what it started: they are a session of their own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, 9)


def _busy() -> float:
    """Seconds of CPU of all processes of the machine so far."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / TICKS


if __name__ == "__main__":
    done = run(sys.argv[1:], timeout=86_400)
    print(done.output, end="")
    print(done.errors, end="", file=sys.stderr)
    print(json.dumps(done.as_json(), indent=1), file=sys.stderr)
    sys.exit(done.exit)
