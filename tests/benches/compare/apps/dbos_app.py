"""The three-step run as workflows of DBOS, each behind a path: the answer to a POST is the workflow's result.

PORT: where to listen; DATABASE: SQLAlchemy's URL of the system database; NOTE: the file that the effects read.
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dbos import DBOS

DBOS(config={"name": "steps", "system_database_url": os.environ["DATABASE"], "run_admin_server": False})


@DBOS.step()
def tell(message):
    return message


@DBOS.step()
def note():
    with open(os.environ["NOTE"], encoding="utf8") as file:
        return json.load(file)


@DBOS.workflow()
def say(given):
    greeting = tell(f"Hello, {given['name']}")
    tell("Every step of this run is in its ledger.")
    tell("Goodbye.")
    return {"greeting": greeting}


@DBOS.workflow()
def read(_given):
    note()
    note()
    return {"content": note()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write an answer: head and body in two would wait for the client's acknowledgement.
    wbufsize = -1

    def do_GET(self):
        self.answer(200, "up")

    def do_POST(self):
        workflow = {"/say": say, "/read": read}.get(self.path)
        given = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if workflow is None:
            return self.answer(404, "no such workflow")
        try:
            self.answer(200, workflow(given))
        except Exception as error:
            self.answer(500, str(error))

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


signal.signal(signal.SIGTERM, lambda *_: sys.exit())
DBOS.launch()
try:
    Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
finally:
    DBOS.destroy()
