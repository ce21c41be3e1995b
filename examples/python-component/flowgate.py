"""Durable flows in plain Python. A flow is a generator: it yields what it wants done and goes on with the result.

    class Workflow(flowgate.Flow):
        flow_id = "invoice"

        def run(self, ctx, input):
            answer = yield ctx.ask("Send it?", choices=["yes", "no"])
            return {"sent": answer == "yes"}

Nothing of the generator is stored. When a run goes on, the host starts the flow anew and tells it again what it was told before, so
everything that the flow does between two yields must depend on nothing but that. Here it does: `datetime` and `time` show the time
that was recorded, `random` its randomness, and there is no other way to the outside.
"""

import collections
import dataclasses
import json
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import workflow as wit

# The node at which every flow begins.
START = "start"


class EffectFailed(Exception):
    """A request whose outcome was a failure; raised where the flow yields it."""


@dataclasses.dataclass
class Request:
    kind: str
    payload: dict[str, Any]
    # Makes what the flow goes on with of the result.
    value: Callable[[Any], Any] = lambda result: result


class Context:
    """What a flow can ask for. Each method gives a request to be yielded."""

    def __init__(self, around):
        self.run_id = around.run_id
        self._bundle = around.workflow_id.split(":")[0]

    def say(self, message, level="message"):
        """Tells the user something."""
        return Request("answer_user", {"message": message, "level": level})

    def ask(self, prompt, choices=None):
        """Asks the user; gives the answer as text."""
        payload = {"prompt": prompt, "choices": choices, "allow_free_text": not choices}
        return Request("ask_user", payload, lambda result: result["response"])

    def sleep(self, duration: timedelta):
        """Waits."""
        return Request("wait_until", {"until": (datetime.now(timezone.utc) + duration).isoformat()})

    def event(self, name):
        """Waits for an event of the session; gives what came with it."""
        return Request("wait_event", {"name": name})

    def emit(self, name, payload):
        """Emits an event to the session."""
        return Request("emit_event", {"name": name, "payload": payload})

    def child(self, flow_id, vars):
        """Runs another flow of the same bundle and gives its output."""
        payload = {"workflow_id": f"{self._bundle}:{flow_id}", "vars": vars, "wait": True}
        return Request("start_subworkflow", payload, lambda result: result["output"])

    def effect(self, kind, payload):
        """Anything else that the host can do, by its name in the ledger."""
        return Request(kind, payload)


class Flow(exports.Workflow):
    """The component's export. One instance of the component is one run; the export is made anew for every call, so that all that
    belongs to the run is the class's."""

    flow_id: str
    pins: list[dict[str, Any]] = []

    _generator = None
    # The request whose outcome the flow waits for, and its id.
    _open: tuple[int, Request] | None = None
    _next_id = 1
    _asked: collections.Counter = collections.Counter()
    _node = START

    def run(self, ctx, input):
        raise NotImplementedError

    def describe(self):
        index = {START: {"type": "on_flow_start", "label": "Start"}}
        entries = [wit.Entry(START, wit.EntryKind.MAIN)]
        return wit.Description(self.flow_id, "", entries, json.dumps(self.pins), json.dumps(index))

    def tick(self, around, event, max_steps):
        return wit.Ticked(self._told(event, around), [])

    def snapshot(self):
        return None

    def restore(self, snapshot):
        raise Err("this flow keeps no state: it is replayed")

    def _told(self, event, around):
        cls = type(self)
        match event:
            case wit.Event_Start(start):
                cls._generator = self.run(Context(around), json.loads(start.input))
                return self._advance(lambda: next(cls._generator))
            case wit.Event_Resolved(resolutions):
                for resolution in resolutions:
                    if cls._open is None or cls._open[0] != resolution.id:
                        continue
                    request = cls._open[1]
                    match resolution.outcome:
                        case wit.Outcome_Failed(message):
                            return self._advance(lambda: cls._generator.throw(EffectFailed(message)))
                        case wit.Outcome_Completed(text):
                            result = json.loads(text)
                        case _:
                            result = None
                    return self._advance(lambda: cls._generator.send(request.value(result)))
        return wit.Progress_Blocked(wit.Blocked([], [], 0))

    def _advance(self, resume):
        cls = type(self)
        try:
            request = resume()
        except StopIteration as end:
            output = json.dumps({} if end.value is None else end.value)
            return wit.Progress_Completed(wit.Completed(cls._node, output, wit.Ending.PLAN, 1))
        except Exception:
            message = traceback.format_exc().strip()
            return wit.Progress_Failed(wit.Failed(cls._node, "node_error", message, 1))
        cls._asked[request.kind] += 1
        cls._node = f"{request.kind}#{cls._asked[request.kind]}"
        cls._open = (cls._next_id, request)
        effect = wit.Effect(cls._next_id, cls._node, request.kind, json.dumps(request.payload), 0, None, None)
        cls._next_id += 1
        return wit.Progress_Blocked(wit.Blocked([effect], [], 1))
