"""The flows that both gateways run, packed as bundles: three messages, three reads of a file, one question."""

import json
import zipfile


def pack(root, folder):
    """Writes `hello.flow`, `reads.flow` and `asks.flow`; `root` is the repository's."""
    folder.mkdir(parents=True, exist_ok=True)
    hello = root / "examples" / "hello"
    with zipfile.ZipFile(folder / "hello.flow", "w", zipfile.ZIP_DEFLATED) as bundle:
        for path in sorted(path for path in hello.rglob("*") if path.is_file()):
            bundle.write(path, path.relative_to(hello))
    for flow in (_reads(), _asks()):
        _bundle(folder, flow)


def _reads():
    """Each `read_file` is an external effect, answered by a handler within the server."""
    reads = ["read1", "read2", "read3"]
    nodes = [_node("start", "on_flow_start", [], ["path"])]
    nodes += [_node(read, "read_file", ["file_path"], ["content", "file_path"]) for read in reads]
    nodes += [_node("end", "on_flow_end", ["content"], [])]
    wires = [("start.path", f"{read}.file_path") for read in reads] + [("read3.content", "end.content")]
    return _flow("reads", nodes, ["start", *reads, "end"], wires)


def _asks():
    question = {"pinDefaults": {"prompt": "Go on?", "choices": ["yes", "no"]}}
    nodes = [
        _node("start", "on_flow_start", [], []),
        _node("ask", "ask_user", ["prompt", "choices"], ["response"], question),
        _node("end", "on_flow_end", ["answer"], []),
    ]
    return _flow("asks", nodes, ["start", "ask", "end"], [("ask.response", "end.answer")])


def _node(name, kind, pins_in, pins_out, more=None):
    execution = lambda pin: [{"id": pin, "label": "", "type": "execution"}]
    pins = lambda names: [{"id": pin, "label": pin, "type": "any"} for pin in names]
    before = [] if kind == "on_flow_start" else execution("exec-in")
    behind = [] if kind == "on_flow_end" else execution("exec-out")
    data = {"nodeType": kind, "label": name, "inputs": before + pins(pins_in), "outputs": behind + pins(pins_out)}
    return {"id": name, "type": kind, "position": {"x": 0, "y": 0}, "data": {**data, **(more or {})}}


def _flow(name, nodes, chain, wires):
    ends = [(f"{one}.exec-out", f"{next}.exec-in") for one, next in zip(chain, chain[1:])] + wires
    edges = []
    for number, (source, target) in enumerate(ends):
        (source, handle), (target, pin) = source.split("."), target.split(".")
        edges.append(
            {"id": f"e{number}", "source": source, "sourceHandle": handle, "target": target, "targetHandle": pin}
        )
    return {"id": name, "name": name, "description": "", "interfaces": [], "entryNode": "start", "nodes": nodes, "edges": edges}


def _bundle(folder, flow):
    name = flow["id"]
    manifest = {
        "bundle_format_version": "1", "bundle_id": name, "bundle_version": "1.0.0",
        "created_at": "2026-11-22T00:00:00+00:00",
        "entrypoints": [{"flow_id": name, "name": name, "description": "", "interfaces": []}],
        "default_entrypoint": name, "flows": {name: f"flows/{name}.json"},
        "artifacts": {}, "assets": {}, "metadata": {},
    }
    with zipfile.ZipFile(folder / f"{name}.flow", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("manifest.json", json.dumps(manifest))
        bundle.writestr(f"flows/{name}.json", json.dumps(flow))
