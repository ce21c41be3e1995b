"""The systems that are compared: how each is installed, started and asked for a run."""

import json
import sqlite3
import subprocess
import sys
import time

from .server import Failed, Running, ask, free_port

TOKEN = "a-token-for-comparing-0123456789"
# Sixty-four clients with a stream or a request each exceed the defaults of both gateways.
MANY = 16384


def install(*command, cwd=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failed(f"cannot be installed: {' '.join((done.stderr or done.stdout).split())[-300:]}")


def files(data, *endings):
    """The files below a data directory whose names end so."""
    return [path for path in sorted(data.rglob("*")) if path.name.endswith(endings) and path.is_file()]


def sqlite(data, ending):
    """Bytes of the SQLite databases below a data directory, with what their logs hold moved into them."""
    found = files(data, ending)
    for path in found:
        database = sqlite3.connect(path)
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
    return sum(path.stat().st_size for path in found)


class System:
    """What each of them has. `place` is where it is installed, `given` what all of them are given: bundles, a file to read."""

    #: Whether runs can wait for a person.
    waits = True

    def __init__(self, place, given):
        self.place, self.given = place, given

    def install(self):
        """Fetches it from its registry."""

    def up(self, data):
        """Starts it on what lies in `data`; it takes runs when this answers. It ends with the `with` around it."""
        data.parent.mkdir(parents=True, exist_ok=True)
        running = Running(data, free_port())
        try:
            self.begin(running)
        except BaseException:
            running.end()
            raise
        return running

    def begin(self, running):
        """Starts the processes, and waits until they take runs."""
        raise NotImplementedError

    def load(self, work):
        """Arguments of `load` for the work `say` or `read`: path of the URL, the rest."""
        raise NotImplementedError

    def once(self, running, work):
        """One run of that work; its result as text."""
        raise NotImplementedError

    def stored(self, data):
        """Bytes of its database, when it has been stopped."""
        raise NotImplementedError


class Gateway(System):
    """A gateway of the contract."""

    def load(self, work):
        bundle, given = self.start(work)
        follow = ["--poll", str(self.poll)] if self.poll else []
        return "", ["--token", TOKEN, *follow, "steps", "--bundle", bundle, "--input", json.dumps(given)]

    def start(self, work):
        if work == "say":
            return "hello", {"name": "Ann"}
        return "reads", {"path": self.given.note.name, "workspace_root": self.given.note.parent.name}

    def once(self, running, work):
        bundle, given = self.start(work)
        run = json.loads(self.ask(running, "/runs/start", {"bundle_id": bundle, "input_data": given}))["run_id"]
        self.until(running, run, "completed")
        return self.ask(running, f"/runs/{run}/ledger?limit=100")

    def waiting(self):
        return ["--token", TOKEN, "waiting"]

    def answer(self, running, run):
        command = {"command_id": f"compare-{run}", "run_id": run, "type": "resume", "payload": {"payload": {"response": "yes"}}}
        self.ask(running, "/commands", command)
        self.until(running, run, "completed")

    def until(self, running, run, status):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = json.loads(self.ask(running, f"/runs/{run}"))["status"]
            if found == status:
                return
            if found == "failed":
                raise Failed(f"run {run} failed")
            time.sleep(0.002)
        raise Failed(f"run {run} does not become {status}")

    def ask(self, running, path, body=None):
        status, text = ask(running.port, f"/api/gateway{path}", body, {"authorization": f"Bearer {TOKEN}"})
        if status != 200:
            raise Failed(f"{path}: {status} {text[:200]}")
        return text

    def stored(self, data):
        return sqlite(data, ".sqlite3")


class Flowgate(Gateway):
    name = "Flowgate"
    version = "?"
    poll = None

    def install(self):
        done = subprocess.run([self.given.flowgate, "--version"], capture_output=True, text=True)
        self.version = done.stdout.split()[-1] if done.returncode == 0 else "?"

    def begin(self, running):
        command = [self.given.flowgate, "serve", "--data-dir", running.data, "--flows-dir", self.given.bundles, "--port", running.port]
        env = {
            "FLOWGATE_AUTH_TOKEN": TOKEN,
            "FLOWGATE_WORKSPACE_DIR": self.given.workspace,
            "FLOWGATE_MAX_CONCURRENCY": MANY,
            "FLOWGATE_MAX_SSE": MANY,
            "FLOWGATE_STARTS_PER_SECOND": MANY,
        }
        server = running.run(command, env=env)
        server.until(lambda: ask(running.port, "/api/health")[0] == 200)


class AbstractGateway(Gateway):
    """The reference, with its SQLite store. It looks for work at an interval of its own, and so do those who follow its runs."""

    name = "AbstractGateway"
    version = "0.2.27"
    packages = ["abstractgateway==0.2.27", "abstractruntime==0.13.0"]
    # Its stream looks once a second.
    poll = 20
    settings = {}

    def install(self):
        pip(self.place, self.packages)

    def begin(self, running):
        data = running.data
        data.mkdir(exist_ok=True)
        env = {
            "ABSTRACTGATEWAY_DATA_DIR": data,
            "ABSTRACTGATEWAY_FLOWS_DIR": self.given.bundles,
            "ABSTRACTGATEWAY_STORE_BACKEND": "sqlite",
            "ABSTRACTGATEWAY_AUTH_TOKEN": TOKEN,
            "ABSTRACTGATEWAY_WORKSPACE_DIR": self.given.workspace,
            "ABSTRACTGATEWAY_MAX_CONCURRENCY": MANY,
            "ABSTRACTGATEWAY_MAX_SSE": MANY,
            "HOME": data.parent,
            "HF_HUB_OFFLINE": 1,
            **self.settings,
        }
        server = running.run(
            [self.place / "bin" / "abstractgateway", "serve", "--host", "127.0.0.1", "--port", running.port], env=env, cwd=data
        )
        server.until(lambda: ask(running.port, "/api/health")[0] == 200)


class QuickAbstractGateway(AbstractGateway):
    """The same, looking for work fifty times a second in place of four times."""

    version = "0.2.27, polling every 20 ms"
    waits = False
    settings = {"ABSTRACTGATEWAY_POLL_S": "0.02"}


class Restate(System):
    """One node with its settings as they come, and the service behind it."""

    name = "Restate"
    version = "1.7.12"
    packages = ["@restatedev/restate-server@1.7.12", "@restatedev/restate-sdk@1.17.2"]

    def install(self):
        self.place.mkdir(parents=True, exist_ok=True)
        (self.place / "package.json").write_text('{"private": true, "type": "module"}')
        # No scripts: one of them reports the installation to its makers.
        install("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", *self.packages, cwd=self.place)
        app = self.given.apps / "restate.mjs"
        (self.place / app.name).write_bytes(app.read_bytes())

    def binary(self):
        found = sorted(self.place.glob("node_modules/@restatedev/restate-server-*/bin/restate-server"))
        if not found:
            raise Failed("has no binary for this machine in the registry")
        return found[0]

    def begin(self, running):
        admin = free_port()
        # Restate remembers where the service is.
        known = running.data.with_suffix(".service")
        service = int(known.read_text()) if known.exists() else free_port()
        running.run(
            ["node", self.place / "restate.mjs"], cwd=self.place,
            env={"PORT": service, "NOTE": self.given.note, "NODE_ENV": "production"},
        )
        env = {
            "RESTATE_LISTEN_MODE": "tcp",
            "RESTATE_BIND_IP": "127.0.0.1",
            "RESTATE_BIND_PORT": free_port(),
            "RESTATE_INGRESS__BIND_PORT": running.port,
            "RESTATE_ADMIN__BIND_PORT": admin,
            # By default the node's name is the machine's.
            "RESTATE_NODE_NAME": "one",
            "RESTATE_DISABLE_TELEMETRY": "true",
        }
        server = running.run([self.binary(), "--base-dir", running.data], env=env)
        server.until(lambda: ask(admin, "/health")[0] == 200 and ask(running.port, "/restate/health")[0] == 200)
        if not known.exists():
            server.until(lambda: ask(admin, "/deployments", {"uri": f"http://127.0.0.1:{service}"})[0] < 300)
            known.write_text(str(service))

    def load(self, work):
        return f"/steps/{work}", ["call", "--body", json.dumps({"name": "Ann"})]

    def once(self, running, work):
        status, text = ask(running.port, f"/steps/{work}", {"name": "Ann"})
        return text if status == 200 else f"{status} {text}"

    def waiting(self):
        paths = ["--start", "/asks/{run}/run/send", "--asked", "/asks/{run}/asked", "--answer", "/asks/{run}/answer"]
        return ["waiting", *paths, "--ended", "/restate/workflow/asks/{run}/attach"]

    def answer(self, running, run):
        status, text = ask(running.port, f"/asks/{run}/answer", "yes")
        # An attempt before this one may have come through.
        if status >= 300 and status != 409:
            raise Failed(f"{status} {text[:200]}")
        status, text = ask(running.port, f"/restate/workflow/asks/{run}/attach")
        if status != 200:
            raise Failed(f"{status} {text[:200]}")

    def stored(self, data):
        return sum(path.stat().st_size for path in files(data, ".sst", ".log", ".blob"))


class Dbos(System):
    """Its library in a small HTTP server of Python, with its SQLite database as it comes."""

    name = "DBOS"
    version = "3.4.0"
    packages = ["dbos==3.4.0"]
    waits = False

    def install(self):
        pip(self.place, self.packages)

    def begin(self, running):
        data = running.data
        data.mkdir(exist_ok=True)
        env = {"PORT": running.port, "DATABASE": f"sqlite:///{data}/dbos.sqlite", "NOTE": self.given.note}
        server = running.run([self.place / "bin" / "python", "-B", self.given.apps / "dbos_app.py"], env=env, cwd=data)
        server.until(lambda: ask(running.port, "/")[0] == 200)

    def load(self, work):
        return f"/{work}", ["call", "--body", json.dumps({"name": "Ann"})]

    def once(self, running, work):
        status, text = ask(running.port, f"/{work}", {"name": "Ann"})
        return text if status == 200 else f"{status} {text}"

    def stored(self, data):
        return sqlite(data, ".sqlite")


def pip(place, packages):
    install(sys.executable, "-m", "venv", place)
    install(place / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", *packages)


#: By the names that the command line knows. The first is what the others are compared with.
SYSTEMS = {
    "flowgate": Flowgate,
    "restate": Restate,
    "dbos": Dbos,
    "abstractgateway": AbstractGateway,
    "abstractgateway-quick": QuickAbstractGateway,
}
