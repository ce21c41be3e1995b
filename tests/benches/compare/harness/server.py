"""Processes of a system under measurement: started in a group of their own, watched until they answer, ended with all their children."""

import http.client
import json
import os
import signal
import socket
import subprocess
import time

PATIENCE = 60.0


class Failed(Exception):
    """A system cannot be installed, started or measured; the text says why."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ask(port, path, body=None, headers=None, method=None, timeout=PATIENCE):
    """One request; status and body as text. `body` is sent as JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        data = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json", **(headers or {})}
        connection.request(method or ("GET" if body is None else "POST"), path, data, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf8", "replace")
    finally:
        connection.close()


class Process:
    """One process of a server. Its output goes to `log`."""

    def __init__(self, command, log, env=None, cwd=None):
        self.log = log
        with open(log, "ab") as output:
            self.child = subprocess.Popen(
                [str(part) for part in command],
                env={**os.environ, **{name: str(value) for name, value in (env or {}).items()}},
                cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )

    @property
    def pid(self):
        return self.child.pid

    def until(self, is_up):
        """Waits until `is_up` answers true; it may fail as long as nothing listens."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                raise Failed(f"ended with {self.child.returncode}: {self.said()}")
            try:
                if is_up():
                    return
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.005)
        raise Failed(f"does not answer within {PATIENCE:.0f} s: {self.said()}")

    def said(self):
        """The end of its log."""
        with open(self.log, encoding="utf8", errors="replace") as log:
            return " ".join(log.read()[-300:].split())

    def end(self, how=signal.SIGTERM):
        """Ends it, by force where it does not go within 20 s."""
        for sign, patience in ((how, 20), (signal.SIGKILL, 20)):
            try:
                os.killpg(self.pid, sign)
            except ProcessLookupError:
                pass
            try:
                self.child.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue


class Running:
    """A system that is up: its processes, the port that clients use, its data directory."""

    def __init__(self, data, port):
        self.data, self.port = data, port
        self.processes = []

    def run(self, command, **more):
        process = Process(command, self.data.with_suffix(".log"), **more)
        self.processes.append(process)
        return process

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pids(self):
        return [process.pid for process in self.processes]

    def end(self, how=signal.SIGTERM):
        # The last one is the server that the others stand behind.
        for process in reversed(self.processes):
            process.end(how)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
