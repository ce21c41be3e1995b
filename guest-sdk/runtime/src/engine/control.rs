//! The control stack: which block a branch returns to when it ends (language section 6.1), and the five scheduler nodes.
//!
//! `vars._temp._control` holds `{stack: [node ids], frames: {node id: frame}, return_to?: node id}`, so a run can stop and
//! go on inside any nesting of blocks.

use super::{Node, Run, child};
use crate::py;
use crate::value::{Dict, List, Map, Value};

/// Loops end after this many rounds, as in the reference.
const MAX_ROUNDS: i64 = 10_000;

/// Asks generated code to evaluate the node's inputs and call again.
pub const EVALUATE: i32 = -10;

struct Control {
    root: Dict,
    stack: List,
    frames: Dict,
}

impl Run {
    fn control(&mut self) -> Control {
        let root = child(&self.temp(), "_control");
        let stack = match root.get("stack") {
            Some(Value::List(stack)) => stack,
            _ => {
                let stack = List::default();
                root.set("stack", Value::List(stack.clone()));
                stack
            }
        };
        let frames = child(&root, "frames");
        Control { root, stack, frames }
    }

    /// The block that the current branch belongs to.
    pub(super) fn active_block(&self) -> Option<Node> {
        let top = match self.vars.get("_temp")?.as_dict()?.get("_control")?.as_dict()?.get("stack")? {
            Value::List(stack) => stack.borrow().last().cloned()?,
            _ => return None,
        };
        self.program.find(top.as_str()?)
    }

    /// Marks that the next visit to `block` is the return of a branch, not a new entry.
    pub(super) fn mark_return(&mut self, block: Node) {
        let id = self.program.id(block);
        self.control().root.set("return_to", Value::Str(id));
    }

    /// Makes `node` the innermost block.
    pub(super) fn push_block(&mut self, node: Node) {
        let id = self.program.id(node);
        let control = self.control();
        let mut stack = control.stack.borrow_mut();
        if stack.last().and_then(Value::as_str) != Some(&*id) {
            stack.push(Value::Str(id));
        }
    }

    /// Enters a scheduler node. Gives its frame when a branch has returned to it; none: the caller starts a fresh one
    /// with [`Run::fresh_frame`].
    fn enter(&mut self, node: Node, kind: &str) -> Option<Dict> {
        let id = self.program.id(node);
        let control = self.control();
        let returned = control.root.get("return_to").is_some_and(|v| v.as_str() == Some(&*id));
        if returned {
            control.root.remove("return_to");
        }
        match control.frames.get(&id) {
            Some(Value::Dict(frame)) if returned && is_kind(&frame, kind) => {
                self.push_block(node);
                Some(frame)
            }
            _ => None,
        }
    }

    /// Starts a block from its beginning: a first entry pushes it on the stack, an explicit edge back into an active one does not.
    fn fresh_frame(&mut self, node: Node, kind: &str, fields: Map) -> Dict {
        let id = self.program.id(node);
        let control = self.control();
        let active = matches!(control.frames.get(&id), Some(Value::Dict(f)) if is_kind(&f, kind));
        let mut frame = Map::from_iter([("kind".into(), Value::str(kind))]);
        frame.extend(fields);
        let frame = Dict::new(frame);
        control.frames.set(id.clone(), Value::Dict(frame.clone()));
        if !active {
            control.stack.borrow_mut().push(Value::Str(id));
        }
        self.push_block(node);
        frame
    }

    /// Leaves a block for `target`, else for the block around it, else ends the run.
    fn leave(&mut self, node: Node, handle: &str, target: Option<Node>) -> i32 {
        self.drop_frame(node, false);
        if let Some(target) = target {
            self.set_prev_handle(handle);
            return target as i32;
        }
        if let Some(outer) = self.active_block() {
            self.mark_return(outer);
            return outer as i32;
        }
        let last = self.vars.get("_last_output").unwrap_or_default();
        self.complete(Value::dict(Map::from_iter([
            ("success".into(), Value::Bool(true)),
            ("result".into(), last),
        ])))
    }

    fn drop_frame(&mut self, node: Node, everywhere: bool) {
        let id = self.program.id(node);
        let control = self.control();
        control.frames.remove(&id);
        let mut stack = control.stack.borrow_mut();
        if !everywhere && stack.last().and_then(Value::as_str) == Some(&*id) {
            stack.pop();
        } else {
            stack.retain(|entry| entry.as_str() != Some(&*id));
        }
    }

    /// The next wired branch of `frame` from its `idx` on.
    fn next_branch(&mut self, node: Node, frame: &Dict) -> Option<i32> {
        let mut index = int(frame, "idx");
        let handles = match frame.get("then") {
            Some(Value::List(handles)) => handles.borrow().clone(),
            _ => Vec::new(),
        };
        while let Some(handle) = handles.get(index.max(0) as usize) {
            index += 1;
            let Some(handle) = handle.as_str() else { continue };
            if let Some(target) = self.program.route(node, handle) {
                frame.set("idx", Value::Int(index));
                self.set_prev_handle(handle);
                return Some(target as i32);
            }
        }
        None
    }

    fn branches(&self, cfg: u32) -> Value {
        let handles = self.config_list(cfg, "then");
        Value::list(handles.into_iter().map(Value::Str).collect())
    }

    pub(super) fn sequence(&mut self, node: Node, cfg: u32) -> i32 {
        let frame = match self.enter(node, "sequence") {
            Some(frame) => frame,
            None => {
                let then = self.branches(cfg);
                self.fresh_frame(
                    node,
                    "sequence",
                    Map::from_iter([("idx".into(), Value::Int(0)), ("then".into(), then)]),
                )
            }
        };
        match self.next_branch(node, &frame) {
            Some(target) => target,
            None => self.leave(node, "", None),
        }
    }

    /// Runs its branches one after another, then `completed`.
    pub(super) fn parallel(&mut self, node: Node, cfg: u32) -> i32 {
        let completed = self.program.route(node, "completed");
        let frame = match self.enter(node, "parallel") {
            Some(frame) => frame,
            None => {
                let mut fields = Map::from_iter([
                    ("phase".into(), Value::str("branches")),
                    ("idx".into(), Value::Int(0)),
                    ("then".into(), self.branches(cfg)),
                ]);
                if let Some(target) = completed {
                    fields.insert("completed_target".into(), Value::Str(self.program.id(target)));
                }
                self.fresh_frame(node, "parallel", fields)
            }
        };
        if frame.get("phase").is_none_or(|p| p.as_str() != Some("completed"))
            && let Some(target) = self.next_branch(node, &frame)
        {
            return target;
        }
        self.leave(node, "completed", completed)
    }

    /// `loop`, first half: [`EVALUATE`] when its items have to be resolved, else the next round.
    pub(super) fn loop_enter(&mut self, node: Node) -> i32 {
        match self.enter(node, "loop") {
            Some(frame) => self.loop_round(node, &frame),
            None => EVALUATE,
        }
    }

    /// `loop`, second half: `frame` holds the resolved input.
    pub(super) fn loop_begin(&mut self, node: Node, frame: u32) -> i32 {
        let items = match self.slot(frame) {
            Value::Dict(d) => d.get("items").unwrap_or_default(),
            other => other,
        };
        let items = match items {
            Value::Null => Vec::new(),
            Value::List(items) => items.borrow().clone(),
            single => vec![single],
        };
        let fields = Map::from_iter([("idx".into(), Value::Int(0)), ("items".into(), Value::list(items))]);
        let frame = self.fresh_frame(node, "loop", fields);
        self.loop_round(node, &frame)
    }

    fn loop_round(&mut self, node: Node, frame: &Dict) -> i32 {
        let (body, done) = (self.program.route(node, "loop"), self.program.route(node, "done"));
        let index = int(frame, "idx");
        let (item, total) = match frame.get("items") {
            Some(Value::List(items)) => (items.borrow().get(index.max(0) as usize).cloned(), items.borrow().len()),
            _ => (None, 0),
        };
        let (Some(item), Some(body)) = (item, body) else {
            return self.leave(node, "done", done);
        };
        let mut output = self.bus_object();
        output.insert("item".into(), item);
        output.insert("index".into(), Value::Int(index));
        output.insert("total".into(), Value::Int(total as i64));
        frame.set("idx", Value::Int(index + 1));
        self.round(node, output, body)
    }

    pub(super) fn for_enter(&mut self, node: Node) -> i32 {
        match self.enter(node, "for") {
            Some(frame) => self.for_round(node, &frame),
            None => EVALUATE,
        }
    }

    pub(super) fn for_begin(&mut self, node: Node, frame: u32) -> i32 {
        let input = match self.slot(frame) {
            Value::Dict(d) => d,
            _ => Dict::default(),
        };
        let number = |key: &str| input.get(key).and_then(|v| range_number(&v));
        let (Some(start), Some(end)) = (number("start"), number("end")) else {
            return self.complete_with_error(node, "For loop requires numeric 'start' and 'end'.".to_owned());
        };
        let step = number("step").unwrap_or(1.0);
        if step == 0.0 {
            return self.complete_with_error(node, "For loop requires a non-zero 'step'.".to_owned());
        }
        let span = if step > 0.0 { end - start } else { start - end };
        let total = if span > 0.0 { (span / step.abs()).ceil() } else { 0.0 };
        self.non_finite |= ![start, end, step].iter().all(|n| n.is_finite());
        let fields = Map::from_iter([
            ("start".into(), Value::Float(start)),
            ("end".into(), Value::Float(end)),
            ("step".into(), Value::Float(step)),
            ("i".into(), Value::Float(start)),
            ("index".into(), Value::Int(0)),
            ("total".into(), Value::Int(total as i64)),
        ]);
        if let Err(message) = self.check_finite(&Value::dict(fields.clone())) {
            return self.complete_with_error(node, message);
        }
        let frame = self.fresh_frame(node, "for", fields);
        self.for_round(node, &frame)
    }

    fn for_round(&mut self, node: Node, frame: &Dict) -> i32 {
        let (body, done) = (self.program.route(node, "loop"), self.program.route(node, "done"));
        let Some(body) = body else {
            return self.leave(node, "done", done);
        };
        let index = int(frame, "index");
        if index >= MAX_ROUNDS {
            self.drop_frame(node, true);
            return self.complete_with_error(node, format!("For loop exceeded max_iterations={MAX_ROUNDS}"));
        }
        let (at, end) = (float(frame, "i", 0.0), float(frame, "end", 0.0));
        let step = match float(frame, "step", 1.0) {
            0.0 => 1.0,
            step => step,
        };
        if if step > 0.0 { at >= end } else { at <= end } {
            return self.leave(node, "done", done);
        }
        let mut output = self.bus_object();
        output.insert("i".into(), Value::Float(at));
        output.insert("index".into(), Value::Int(index));
        if let Some(total @ Value::Int(_)) = frame.get("total") {
            output.insert("total".into(), total);
        }
        frame.set("i", Value::Float(at + step));
        frame.set("index", Value::Int(index + 1));
        self.round(node, output, body)
    }

    /// `while`, first half: always asks for its condition unless the cap is reached.
    pub(super) fn while_enter(&mut self, node: Node) -> i32 {
        let frame = match self.enter(node, "while") {
            Some(frame) => frame,
            None => self.fresh_frame(node, "while", Map::from_iter([("iters".into(), Value::Int(0))])),
        };
        if int(&frame, "iters") >= MAX_ROUNDS {
            self.drop_frame(node, true);
            return self.complete_with_error(node, format!("While loop exceeded max_iterations={MAX_ROUNDS}"));
        }
        EVALUATE
    }

    pub(super) fn while_test(&mut self, node: Node, frame: u32) -> i32 {
        let condition = match self.slot(frame) {
            Value::Dict(d) => d.get("condition").unwrap_or_default(),
            other => other,
        };
        let (body, done) = (self.program.route(node, "loop"), self.program.route(node, "done"));
        let (true, Some(body)) = (py::truthy(&condition), body) else {
            return self.leave(node, "done", done);
        };
        let id = self.program.id(node);
        let Some(Value::Dict(frame)) = self.control().frames.get(&id) else {
            return self.leave(node, "done", done);
        };
        let round = int(&frame, "iters");
        let base = self.vars.get("_last_output").unwrap_or_default();
        let mut output = self.bus_object();
        output.entry("item".into()).or_insert(base);
        output.insert("index".into(), Value::Int(round));
        frame.set("iters", Value::Int(round + 1));
        self.round(node, output, body)
    }

    /// Publishes a round's output and goes into the body.
    fn round(&mut self, node: Node, output: Map, body: Node) -> i32 {
        let output = Value::dict(output);
        self.vars.set("_last_output", output.clone());
        self.set_output(node, output);
        self.set_prev_handle("loop");
        body as i32
    }

    /// The bus as an object that a loop adds its fields to.
    fn bus_object(&self) -> Map {
        match self.vars.get("_last_output") {
            Some(Value::Dict(d)) => d.borrow().clone(),
            other => Map::from_iter([("input".into(), other.unwrap_or_default())]),
        }
    }

    /// `join_exec`: finds out which of its routes the run came by.
    pub(super) fn join(&mut self, node: Node, cfg: u32) -> i32 {
        let temp = self.temp();
        let text = |key: &str| {
            temp.get(key)
                .and_then(|v| v.as_str().map(|s| s.trim().to_owned()))
                .filter(|s| !s.is_empty())
        };
        let (from, handle) = (text("prev_node_id"), text("prev_exec_handle"));
        let routes: Vec<(String, String)> = match self.config(cfg, "routes") {
            Some(Value::List(routes)) => routes.borrow().iter().filter_map(route_pair).collect(),
            _ => Vec::new(),
        };
        let id = self.program.id(node);
        let (mut which, mut known) = (0, None);
        if let Some(from) = &from {
            let exact = handle
                .as_ref()
                .and_then(|h| routes.iter().position(|(s, r)| s == from && r == h));
            let mut same = routes.iter().enumerate().filter(|(_, (s, _))| s == from).map(|(i, _)| i);
            let first = same.next();
            if exact.is_none() && same.next().is_some() {
                self.warn(format!(
                    "#FALLBACK join_exec '{id}': multiple incoming routes from '{from}' but prev_exec_handle was missing; defaulting which={}.",
                    first.unwrap_or(0)
                ));
            }
            if let Some(found) = exact.or(first) {
                which = found;
                known = Some(from.clone());
            }
        } else if !routes.is_empty() {
            self.warn(format!(
                "#FALLBACK join_exec '{id}': prev_node_id missing; defaulting which=0."
            ));
        }
        let mut output = Map::from_iter([
            ("which".into(), Value::Int(which as i64)),
            ("from".into(), known.map(Value::str).unwrap_or_default()),
        ]);
        if let Some(handle) = handle {
            output.insert("from_handle".into(), Value::str(handle));
        }
        self.set_output(node, Value::dict(output.clone()));
        match self.program.next(node) {
            Some(next) => {
                self.set_prev_handle("exec-out");
                next as i32
            }
            None => self.complete(Value::dict(Map::from_iter([
                ("success".into(), Value::Bool(true)),
                ("result".into(), Value::dict(output)),
            ]))),
        }
    }

    /// Adds a warning to the run, once.
    pub(super) fn warn(&mut self, message: String) {
        let warnings = match self.vars.get("_flow_warnings") {
            Some(Value::List(list)) => list,
            _ => {
                let list = List::default();
                self.vars.set("_flow_warnings", Value::List(list.clone()));
                list
            }
        };
        let known = warnings.borrow().iter().any(|w| w.as_str() == Some(&message));
        if !known {
            warnings.borrow_mut().push(Value::str(message));
        }
    }
}

fn route_pair(route: &Value) -> Option<(String, String)> {
    let pair = route.as_list()?.borrow();
    Some((pair.first()?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()))
}

fn is_kind(frame: &Dict, kind: &str) -> bool {
    frame.get("kind").is_some_and(|k| k.as_str() == Some(kind))
}

fn int(frame: &Dict, key: &str) -> i64 {
    match frame.get(key) {
        Some(Value::Int(n)) => n,
        Some(Value::Float(f)) => f as i64,
        _ => 0,
    }
}

fn float(frame: &Dict, key: &str, default: f64) -> f64 {
    match frame.get(key) {
        Some(Value::Int(n)) => n as f64,
        Some(Value::Float(f)) => f,
        _ => default,
    }
}

/// A bound of a `for` range: numbers, booleans and numeric text.
fn range_number(value: &Value) -> Option<f64> {
    match value {
        Value::Bool(b) => Some(f64::from(u8::from(*b))),
        Value::Str(text) if text.trim().is_empty() => None,
        Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Str(_) => py::to_float(value).ok(),
        _ => None,
    }
}
