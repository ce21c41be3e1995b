//! From nodes to functions.
//!
//! An exec node's function resolves its input pins (language section 4.3) into a frame of three slots (input, bus, scratch)
//! and ends with the runtime function of its type, which returns the next node. A data node's function resolves its pins
//! the same way and evaluates its builtin; every reader calls it anew. Literals are constants.

use std::collections::{BTreeSet, HashMap};

use super::config::read_pins;
use super::ir::{Function, Import, Op, Program};
use super::tables::Tables;
use crate::catalogue::{Lower, NodeType};
use crate::graph::{Graph, Node, NodeIx, Role, Source};
use crate::python::emit;

macro_rules! imports {
    ($($name:ident($params:literal) $(-> $result:tt)?;)*) => {
        #[allow(non_upper_case_globals)] // Named as the runtime exports them.
        pub mod rt {
            use super::Import;
            $(pub static $name: Import = Import { name: stringify!($name), params: $params, result: imports!(@result $($result)?) };)*
        }
    };
    (@result i32) => { true };
    (@result) => { false };
}

imports! {
    alloc(1) -> i32; register(3); frame(1) -> i32; unframe(1); constant(2); input_function(2); input_bus(1); input_empty(1);
    put(3); put_default(4); settle(1); pick(2) -> i32; out(2) -> i32; out_effect(4) -> i32; apply_output_key(4); note_error(2);
    n_fail_function(1) -> i32; n_fail(0) -> i32; n_function(2) -> i32; n_host_function(3) -> i32; n_sequence(2) -> i32; n_parallel(2) -> i32; n_join(2) -> i32;
    n_loop_enter(1) -> i32; n_loop_begin(2) -> i32; n_for_enter(1) -> i32; n_for_begin(2) -> i32; n_while_enter(1) -> i32;
    n_while_begin(2) -> i32;
}

/// What a loop's first half returns when it wants its inputs resolved (`flow-rt`, `engine/control.rs`).
const EVALUATE: i32 = -10;

/// Slots of a frame, from its base.
const INPUT: i32 = 0;
const SCRATCH: i32 = 2;
const FRAME: i32 = 3;

pub fn lower(graph: &Graph, tables: &mut Tables) -> Program {
    let exec = tables.order();
    let nodes = exec.len() as u32;
    let all = (0..graph.nodes.len() as u32).map(NodeIx);
    let pure: Vec<NodeIx> = all
        .clone()
        .filter(|ix| graph.node(*ix).role == Role::Pure && matches!(graph.node(*ix).ty.lower, Lower::Builtin | Lower::Code))
        .collect();
    let mut units = HashMap::new();
    let mut python = Vec::new();
    for ix in all {
        if let Some(unit) = &graph.node(ix).code {
            let emitted = emit::emit(unit, nodes + python.len() as u32, tables);
            units.insert(ix, emitted.unit);
            python.extend(emitted.functions);
        }
    }
    let exported = nodes + python.len() as u32;
    let mut own = vec![0u32; graph.nodes.len()];
    exec.iter().enumerate().for_each(|(at, ix)| own[ix.0 as usize] = at as u32);
    pure.iter()
        .enumerate()
        .for_each(|(at, ix)| own[ix.0 as usize] = exported + at as u32);
    // Effect nodes that copy their result to a variable do so before every later node.
    let keyed: Vec<NodeIx> = exec
        .iter()
        .copied()
        .filter(|ix| is_effect(graph.node(*ix)) && graph.node(*ix).config.contains_key("outputKey"))
        .collect();
    let read = read_pins(graph);
    let mut context = Context {
        graph,
        tables,
        own: &own,
        keyed: &keyed,
        read: &read,
        units: &units,
    };
    let mut functions = Vec::with_capacity(exported as usize + pure.len());
    for ix in &exec {
        functions.push(context.exec(*ix));
    }
    functions.append(&mut python);
    for ix in &pure {
        functions.push(context.pure(*ix));
    }
    Program { functions, exported }
}

pub(super) struct Context<'a> {
    pub(super) graph: &'a Graph,
    pub(super) tables: &'a mut Tables,
    /// The function of each exec and data node, by node.
    pub(super) own: &'a [u32],
    pub(super) keyed: &'a [NodeIx],
    pub(super) read: &'a HashMap<&'a str, BTreeSet<&'a str>>,
    /// Descriptions of the nodes' Python, by node.
    pub(super) units: &'a HashMap<NodeIx, String>,
}

/// Code of one function while it is written. `frame` is the local with the frame's base, `status` a scratch local.
struct Code {
    ops: Vec<Op>,
    frame: u32,
    status: u32,
}

impl Code {
    fn slot(&mut self, offset: i32) {
        self.ops.push(Op::Get(self.frame));
        if offset != 0 {
            self.ops.extend([Op::I32(offset), Op::Add]);
        }
    }
    fn call(&mut self, import: &'static Import) {
        self.ops.push(Op::Runtime(import));
    }
    fn words(&mut self, words: &[u32]) {
        self.ops.extend(words.iter().map(|w| Op::I32(*w as i32)));
    }
}

impl Context<'_> {
    fn exec(&mut self, ix: NodeIx) -> Function {
        let node = self.graph.node(ix);
        let place = self.tables.place(ix);
        let mut code = Code {
            ops: Vec::new(),
            frame: 0,
            status: 1,
        };
        if !matches!(node.ty.name, "sequence" | "parallel") {
            self.output_keys(&mut code);
        }
        match node.ty.lower {
            Lower::Control if matches!(node.ty.name, "sequence" | "parallel") => {
                let cfg = self.config(ix, node);
                code.words(&[place, cfg]);
                code.call(if node.ty.name == "sequence" {
                    &rt::n_sequence
                } else {
                    &rt::n_parallel
                });
            }
            Lower::Join => {
                let cfg = self.config(ix, node);
                code.words(&[place, cfg]);
                code.call(&rt::n_join);
            }
            Lower::Control => self.loop_node(&mut code, node, place),
            _ => self.plain(&mut code, ix, node, place),
        }
        Function {
            name: node.id.clone(),
            params: 0,
            locals: 2,
            wide_locals: 0,
            ops: code.ops,
        }
    }

    /// Resolve the input, then the node's own function; on an error what its class does.
    fn plain(&mut self, code: &mut Code, ix: NodeIx, node: &Node, place: u32) {
        let function = matches!(
            node.ty.lower,
            Lower::Builtin | Lower::Function | Lower::HostFunction | Lower::Code
        );
        code.ops.push(Op::Block);
        self.begin(code);
        if function {
            code.slot(INPUT);
            code.words(&[place]);
            code.call(&rt::input_function);
        } else {
            code.slot(INPUT);
            // `set_vars` writes what its own pins say; the bus would add variables nobody named.
            code.call(if node.ty.name == "set_vars" {
                &rt::input_empty
            } else {
                &rt::input_bus
            });
        }
        self.resolve(code, node, true);
        code.slot(INPUT);
        code.call(&rt::settle);
        let cfg = self.config(ix, node);
        if node.ty.lower == Lower::Builtin {
            code.slot(SCRATCH);
            code.slot(INPUT);
            code.words(&[cfg]);
            code.call(builtin(node.ty.name));
            code.ops.extend([Op::Negative, Op::BrIf(0)]);
            code.words(&[place]);
            code.slot(SCRATCH);
            code.call(&rt::n_function);
            code.ops.push(Op::Return);
        } else {
            code.words(&[place]);
            code.slot(INPUT);
            code.words(&[cfg]);
            code.call(node_function(node.ty));
            code.ops.push(Op::Return);
        }
        code.ops.push(Op::End);
        match node.ty.lower {
            Lower::Builtin | Lower::Function | Lower::HostFunction | Lower::Code => {
                code.words(&[place]);
                code.call(&rt::n_fail_function);
            }
            // Nodes whose inputs cannot be resolved go on without them.
            Lower::Event | Lower::Agent => {
                code.slot(INPUT);
                code.call(&rt::input_empty);
                code.words(&[place]);
                code.slot(INPUT);
                code.words(&[cfg]);
                code.call(node_function(node.ty));
            }
            _ => code.call(&rt::n_fail),
        }
    }

    /// `loop`, `for` and `while`: their inputs are resolved only when the runtime asks for them.
    fn loop_node(&mut self, code: &mut Code, node: &Node, place: u32) {
        let (enter, begin, prefix) = match node.ty.name {
            "loop" => (&rt::n_loop_enter, &rt::n_loop_begin, "Loop items resolution failed: "),
            "for" => (&rt::n_for_enter, &rt::n_for_begin, "For range resolution failed: "),
            _ => (&rt::n_while_enter, &rt::n_while_begin, "While condition resolution failed: "),
        };
        code.words(&[place]);
        code.call(enter);
        code.ops.extend([
            Op::Tee(code.status),
            Op::I32(EVALUATE),
            Op::Eq,
            Op::Eqz,
            Op::If,
            Op::Get(code.status),
            Op::Return,
            Op::End,
        ]);
        code.ops.push(Op::Block);
        self.begin(code);
        code.slot(INPUT);
        code.call(&rt::input_bus);
        self.resolve(code, node, true);
        code.slot(INPUT);
        code.call(&rt::settle);
        code.words(&[place]);
        code.slot(INPUT);
        code.call(begin);
        code.ops.extend([Op::Return, Op::End]);
        let prefix = self.tables.text(prefix);
        code.words(&[place, prefix]);
        code.call(&rt::note_error);
        code.call(&rt::n_fail);
    }

    /// A data node: evaluates into the slot that its one parameter names; gives 1, or -1 on an error.
    fn pure(&mut self, ix: NodeIx) -> Function {
        let node = self.graph.node(ix);
        let mut code = Code {
            ops: vec![Op::Block],
            frame: 1,
            status: 2,
        };
        self.begin(&mut code);
        code.slot(INPUT);
        code.call(&rt::input_empty);
        self.resolve(&mut code, node, false);
        let cfg = self.config(ix, node);
        code.ops.push(Op::Get(0));
        code.slot(INPUT);
        code.words(&[cfg]);
        code.call(builtin(node.ty.name));
        code.ops.push(Op::Set(code.status));
        code.slot(INPUT);
        code.call(&rt::unframe);
        code.ops.extend([Op::Get(code.status), Op::Return, Op::End, Op::I32(-1)]);
        Function {
            name: node.id.clone(),
            params: 1,
            locals: 2,
            wide_locals: 0,
            ops: code.ops,
        }
    }

    fn begin(&mut self, code: &mut Code) {
        code.ops.push(Op::I32(FRAME));
        code.call(&rt::frame);
        code.ops.push(Op::Set(code.frame));
    }

    /// Wires, then defaults. An error leaves the enclosing block.
    fn resolve(&mut self, code: &mut Code, node: &Node, exec: bool) {
        let own = |pin: &str| node.ty.name != "set_vars" || node.inputs.iter().any(|p| p.id == pin);
        for (pin, source) in node.wires.iter().filter(|(pin, _)| own(pin)) {
            let Source::Node(from, handle) = source else { continue };
            self.read(code, *from, handle, pin);
        }
        for (pin, value) in node.defaults.iter().filter(|(pin, _)| own(pin)) {
            if node.wires.contains_key(pin) {
                continue;
            }
            // A default of a declared pin wins over the bus; any other only fills a gap.
            let over = exec && node.inputs.iter().any(|p| p.id == *pin);
            let (key, value) = (self.tables.text(pin), self.tables.json(value.get()));
            code.slot(INPUT);
            code.words(&[key, value, u32::from(over)]);
            code.call(&rt::put_default);
        }
    }

    /// Reads pin `handle` of node `from` into `pin` of the input, if it resolves (language section 4.1).
    fn read(&mut self, code: &mut Code, from: NodeIx, handle: &str, pin: &str) {
        let source = self.graph.node(from);
        let handle_text = self.tables.text(handle);
        match source.ty.lower {
            Lower::Literal => {
                let value = source.config.get("literalValue").map_or("null", |raw| raw.get());
                let record = match handle {
                    "value" => value.to_owned(),
                    "result" | "output" => format!("{{\"value\":{value}}}"),
                    _ => return,
                };
                let constant = self.tables.json(record);
                code.slot(SCRATCH);
                code.words(&[constant]);
                code.call(&rt::constant);
                self.put(code, pin);
                return;
            }
            Lower::Builtin | Lower::Code if source.role == Role::Pure => {
                code.slot(SCRATCH);
                code.ops.push(Op::Own(self.own[from.0 as usize]));
                code.ops
                    .extend([Op::Tee(code.status), Op::Negative, Op::BrIf(0), Op::Get(code.status)]);
            }
            _ if source.role == Role::Pure => return,
            _ if is_effect(source) => {
                let (id, kind) = (self.tables.text(&source.id), self.tables.text(source.ty.name));
                let cfg = self.config(from, source);
                code.slot(SCRATCH);
                code.words(&[id, kind, cfg]);
                code.call(&rt::out_effect);
            }
            _ => {
                let id = self.tables.text(&source.id);
                code.slot(SCRATCH);
                code.words(&[id]);
                code.call(&rt::out);
            }
        }
        code.ops.push(Op::If);
        code.slot(SCRATCH);
        code.words(&[handle_text]);
        code.call(&rt::pick);
        code.ops.push(Op::If);
        self.put(code, pin);
        code.ops.extend([Op::End, Op::End]);
    }

    fn put(&mut self, code: &mut Code, pin: &str) {
        let key = self.tables.text(pin);
        code.slot(INPUT);
        code.words(&[key]);
        code.slot(SCRATCH);
        code.call(&rt::put);
    }

    fn output_keys(&mut self, code: &mut Code) {
        for ix in self.keyed {
            let node = self.graph.node(*ix);
            let Ok(key) = serde_json::from_str::<String>(node.config["outputKey"].get()) else {
                continue;
            };
            if key.trim().is_empty() {
                continue;
            }
            let (id, kind, key) = (
                self.tables.text(&node.id),
                self.tables.text(node.ty.name),
                self.tables.text(key.trim()),
            );
            let cfg = self.config(*ix, node);
            code.words(&[id, kind, key, cfg]);
            code.call(&rt::apply_output_key);
        }
    }
}

fn is_effect(node: &Node) -> bool {
    node.role == Role::Exec && matches!(node.ty.lower, Lower::Effect | Lower::Event | Lower::Subflow | Lower::Agent)
}

pub(super) fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The runtime function that ends a node of this type: `n_<type>(node, frame, cfg)`.
fn node_function(ty: &'static NodeType) -> &'static Import {
    match ty.lower {
        Lower::HostFunction => &rt::n_host_function,
        _ => interned("n_", runtime_name(ty.name)),
    }
}

/// The builtin of a data node: `b_<type>(dst, frame, cfg)`.
fn builtin(ty: &'static str) -> &'static Import {
    interned("b_", runtime_name(ty))
}

/// The type as the runtime's functions are named after it.
fn runtime_name(ty: &'static str) -> &'static str {
    match ty {
        // `n_function` is how every function node ends.
        "function" => "legacy_function",
        other => other,
    }
}

/// Imports named after node types; one for each of the catalogue's fixed set of names.
fn interned(prefix: &'static str, ty: &'static str) -> &'static Import {
    use std::sync::LazyLock;
    static NAMED: LazyLock<HashMap<(&'static str, &'static str), &'static Import>> = LazyLock::new(|| {
        let types = crate::catalogue::all().iter().map(|t| runtime_name(t.name));
        let named = types.flat_map(|name| [("n_", name), ("b_", name)]);
        named
            .map(|(prefix, name)| {
                let full: &'static str = Box::leak(format!("{prefix}{name}").into_boxed_str());
                let import: &'static Import = Box::leak(Box::new(Import {
                    name: full,
                    params: 3,
                    result: true,
                }));
                ((prefix, name), import)
            })
            .collect()
    });
    static MISSING: Import = Import {
        name: "n_fail",
        params: 3,
        result: true,
    };
    NAMED.get(&(prefix, ty)).copied().unwrap_or(&MISSING)
}
