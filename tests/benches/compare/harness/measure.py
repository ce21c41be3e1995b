"""What is measured of one system: runs, idleness, memory, disk, waiting, recovery. Figures come from `load` where there is load."""

import json
import os
import signal
import subprocess
import time

from .server import Failed

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def busy(pids):
    """Seconds of processor that the processes have used."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf8") as stat:
            fields = stat.read().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident(pids):
    """Bytes of memory that the processes hold."""
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/statm", encoding="utf8") as statm:
            total += int(statm.read().split()[1]) * PAGE
    return total


class Plan:
    """Lengths of the measurements; `seconds` is that of one closed loop."""

    def __init__(self, load, seconds, clients, waiting):
        self.load, self.seconds, self.clients, self.waiting = load, seconds, clients, waiting
        self.idle = max(3, min(6, seconds))

    def run(self, running, path, arguments, patience):
        """`load` against a system, for `patience` seconds at most; its figures."""
        command = [self.load, "--json", "--url", running.url + path, "--dir", running.data, *arguments]
        for pid in running.pids:
            command += ["--pid", str(pid)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=patience)
        except subprocess.TimeoutExpired:
            raise Failed(f"the load does not end within {patience} s") from None
        if done.returncode != 0:
            raise Failed(" ".join(done.stderr.split())[-200:])
        return json.loads(done.stdout)


def runs(system, plan, data, work):
    """One row of the main table: a fresh server, idle, then under load."""
    with system.up(data) as running:
        # What comes first makes tables and caches; and what is measured must be what is meant.
        result = system.once(running, work)
        proof = "Hello, Ann" if work == "say" else '"here"'
        if proof not in result:
            raise Failed(f"a run of '{work}' answers {result[:200]}")
    before = system.stored(data)
    with system.up(data) as running:
        time.sleep(3)
        used, began = busy(running.pids), time.monotonic()
        time.sleep(plan.idle)
        idle = (busy(running.pids) - used) / (time.monotonic() - began)
        memory = [resident(running.pids)]
        path, arguments = system.load(work)
        arguments = [*arguments, "--clients", str(plan.clients), "--seconds", str(plan.seconds)]
        figures = plan.run(running, path, arguments, 60 + 3 * plan.seconds)
        memory.append(resident(running.pids))
        each = [resident([pid]) for pid in running.pids]
    figures["idle"] = idle * 100
    figures["memory"] = memory
    figures["memory_of_each"] = each
    figures["disk_a_run"] = (system.stored(data) - before) / figures["runs"]["all"]
    return figures


def waiting(system, plan, data):
    """Many runs that wait for a person; then as many as can be started in some seconds, and a kill while they wait."""
    with system.up(data) as running:
        count = plan.waiting
        arguments = [*system.waiting(), "--clients", str(plan.clients), "--count"]
        figures = plan.run(running, "", [*arguments, str(count)], 400)
        a_second = figures["starts"]["a_second"]
        left = min(count, max(100, int(a_second * 10)))
        names = plan.run(running, "", [*arguments, str(left), "--leave"], 60)["left"]
        running.end(signal.SIGKILL)
    began = time.monotonic()
    with system.up(data) as running:
        while True:
            try:
                system.answer(running, names[0])
                break
            except (Failed, OSError) as error:
                if time.monotonic() - began > 60:
                    raise Failed(f"after a kill no waiting run can be answered: {error}") from None
                time.sleep(0.005)
        figures["ready"] = time.monotonic() - began
    figures["left"] = left
    return figures
