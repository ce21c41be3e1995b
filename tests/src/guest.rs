//! Components made in code: guests whose every tick is written down before. They say exactly what a test wants, also what no flow of a
//! toolchain would.
//!
//! A guest counts the outcomes that it is told. What it answers is looked up by that count: the first of its answers is for the start, the
//! second for the tick at which it knows one outcome, and so on. It remembers the outcomes in the order in which it was told:
//! [`Answer::Told`] ends the run with them.

use std::fmt::Write as _;

use crate::root;

/// What a tick gives.
#[derive(Debug, Clone)]
pub enum Answer {
    /// These effects, and those that are no longer wanted.
    Blocked(Vec<Effect>, Vec<u64>),
    /// The end, with `[[effect id, "completed" | "elapsed" | "failed", result or text], …]` as output.
    Told,
    /// The end with this JSON.
    Output(String),
    /// The flow's own failure.
    Failed(String),
    /// Machine code that traps.
    Trap,
}

/// An effect that a guest asks for.
#[derive(Debug, Clone)]
pub struct Effect {
    pub id: u64,
    pub node: String,
    pub kind: String,
    pub payload: String,
}

impl Effect {
    /// The node's name is made of kind and id.
    pub fn new(id: u64, kind: &str, payload: &serde_json::Value) -> Self {
        Effect {
            id,
            node: format!("{kind}#{id}"),
            kind: kind.to_owned(),
            payload: payload.to_string(),
        }
    }
}

/// Waits for effects that were asked for before.
pub fn more() -> Answer {
    Answer::Blocked(Vec::new(), Vec::new())
}

/// Asks for effects.
pub fn asks(effects: impl IntoIterator<Item = Effect>) -> Answer {
    Answer::Blocked(effects.into_iter().collect(), Vec::new())
}

/// A guest in the making.
#[derive(Debug, Clone)]
pub struct Guest {
    flow_id: String,
    answers: Vec<Answer>,
    snapshots: bool,
    padding: usize,
    start_pins: String,
}

/// Where the guest keeps what it has been told: how many outcomes, how many bytes, the bytes.
const STATE: usize = 64;
/// Room for that.
const STATE_BYTES: usize = 1 << 16;

impl Guest {
    pub fn new(flow_id: &str, answers: Vec<Answer>) -> Self {
        Guest {
            flow_id: flow_id.to_owned(),
            answers,
            snapshots: false,
            padding: 0,
            start_pins: r#"[{"id":"prompt","label":"Prompt","type":"string"},{"id":"tone","label":"Tone","type":"string","default":"kind"}]"#.to_owned(),
        }
    }

    /// It gives its state; without, its host has to replay it.
    pub fn with_snapshots(mut self) -> Self {
        self.snapshots = true;
        self
    }

    /// Makes it larger by about this many bytes of code, which take time to compile.
    pub fn padded(mut self, bytes: usize) -> Self {
        self.padding = bytes;
        self
    }

    /// The component.
    pub fn component(&self) -> Vec<u8> {
        wrap(&wat::parse_str(self.module()).expect("the guest's module is WebAssembly text"))
    }

    fn module(&self) -> String {
        let mut data = Data {
            base: STATE + STATE_BYTES,
            bytes: Vec::new(),
        };
        let described = data.description(&self.flow_id, &self.start_pins);
        let answers: Vec<usize> = self.answers.iter().map(|answer| data.answer(answer)).collect();
        let table = data.align(4);
        answers.iter().for_each(|at| data.word(*at));
        let heap = (data.base + data.bytes.len()).next_multiple_of(16);
        let mut bytes = String::new();
        for byte in &data.bytes {
            let _ = write!(bytes, "\\{byte:02x}");
        }
        let mut padding = String::new();
        for number in 0..self.padding / 32 {
            let _ = writeln!(
                padding,
                "(func (param i64) (result i64) local.get 0 i64.const {number} i64.mul local.get 0 i64.add i64.popcnt local.get 0 i64.xor i64.const {number} i64.rotl local.get 0 i64.const 7 i64.shr_u i64.add)"
            );
        }
        let snapshot = if self.snapshots { 1 } else { 0 };
        let world = "flowgate:flow/workflow@0.1.0";
        let (text, base, last) = (STATE + 8, data.base, answers.len() - 1);
        let pages = heap / 65536 + 2;
        format!(
            r#"(module
  (memory (export "memory") {pages})
  (data (i32.const {base}) "{bytes}")
  (global $heap (mut i32) (i32.const {heap}))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (if (i32.gt_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.shr_u (local.get 3) (i32.const 16)) (i32.const 1))))))
    (local.get $at))
  (func (export "cabi_post_{world}#describe") (param i32))
  (func (export "cabi_post_{world}#snapshot") (param i32))
  (func (export "cabi_post_{world}#restore") (param i32) (global.set $heap (i32.const {heap})))
  (func (export "cabi_post_{world}#tick") (param i32) (global.set $heap (i32.const {heap})))
  (func (export "{world}#describe") (result i32) (i32.const {described}))
  (func (export "{world}#snapshot") (result i32)
    (i32.store8 (i32.const 0) (i32.const {snapshot}))
    (i32.store (i32.const 4) (i32.const {STATE}))
    (i32.store (i32.const 8) (i32.add (i32.const 8) (i32.load (i32.const {STATE}+4))))
    (i32.const 0))
  (func (export "{world}#restore") (param i32 i32) (result i32)
    (memory.copy (i32.const {STATE}) (local.get 0) (local.get 1))
    (i32.store8 (i32.const 0) (i32.const 0))
    (i32.const 0))
  (func $byte (param i32)
    (i32.store8 (i32.add (i32.const {text}) (i32.load (i32.const {STATE}+4))) (local.get 0))
    (i32.store (i32.const {STATE}+4) (i32.add (i32.load (i32.const {STATE}+4)) (i32.const 1))))
  (func $text (param $from i32) (param $len i32)
    (memory.copy (i32.add (i32.const {text}) (i32.load (i32.const {STATE}+4))) (local.get $from) (local.get $len))
    (i32.store (i32.const {STATE}+4) (i32.add (i32.load (i32.const {STATE}+4)) (local.get $len))))
  (func $number (param i64)
    (if (i64.ge_u (local.get 0) (i64.const 10)) (then (call $number (i64.div_u (local.get 0) (i64.const 10)))))
    (call $byte (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get 0) (i64.const 10))))))
  (data (i32.const 16) "\"completed\",")
  (data (i32.const 28) "\"elapsed\",null")
  (data (i32.const 42) "\"failed\",")
  (func $outcome (param $at i32) (local $kind i32)
    (call $byte (select (i32.const 44) (i32.const 91) (i32.load (i32.const {STATE}+4))))
    (call $byte (i32.const 91))
    (call $number (i64.load (local.get $at)))
    (call $byte (i32.const 44))
    (local.set $kind (i32.load8_u offset=8 (local.get $at)))
    (if (i32.eqz (local.get $kind)) (then
      (call $text (i32.const 16) (i32.const 12))
      (call $text (i32.load offset=12 (local.get $at)) (i32.load offset=16 (local.get $at)))))
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (call $text (i32.const 28) (i32.const 14))))
    (if (i32.eq (local.get $kind) (i32.const 2)) (then
      (call $text (i32.const 42) (i32.const 9))
      (call $byte (i32.const 34))
      (call $text (i32.load offset=12 (local.get $at)) (i32.load offset=16 (local.get $at)))
      (call $byte (i32.const 34))))
    (call $byte (i32.const 93)))
  (func $tick (export "{world}#tick") (param $p i32) (result i32) (local $i i32) (local $n i32) (local $r i32)
    (if (i32.eq (i32.load8_u offset=72 (local.get $p)) (i32.const 1)) (then
      (local.set $n (i32.load offset=80 (local.get $p)))
      (loop $next
        (if (i32.lt_u (local.get $i) (local.get $n)) (then
          (call $outcome (i32.add (i32.load offset=76 (local.get $p)) (i32.mul (local.get $i) (i32.const 24))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next))))
      (i32.store (i32.const {STATE}) (i32.add (i32.load (i32.const {STATE})) (local.get $n)))))
    (local.set $n (i32.load (i32.const {STATE})))
    (if (i32.gt_u (local.get $n) (i32.const {last})) (then (local.set $n (i32.const {last}))))
    (local.set $r (i32.load offset={table} (i32.mul (local.get $n) (i32.const 4))))
    (if (i32.eqz (local.get $r)) (then unreachable))
    (if (i32.and (i32.eq (i32.load8_u (local.get $r)) (i32.const 2)) (i32.eqz (i32.load offset=16 (local.get $r)))) (then
      (if (i32.eqz (i32.load (i32.const {STATE}+4))) (then (call $byte (i32.const 91))))
      (call $byte (i32.const 93))
      (i32.store offset=12 (local.get $r) (i32.const {text}))
      (i32.store offset=16 (local.get $r) (i32.load (i32.const {STATE}+4)))))
    (local.get $r))
  {padding})"#
        )
        .replace(&format!("{STATE}+4"), &(STATE + 4).to_string())
    }
}

/// The guest's constants, laid out as the canonical ABI wants them.
struct Data {
    base: usize,
    bytes: Vec<u8>,
}

impl Data {
    /// The next free address, a multiple of `to`.
    fn align(&mut self, to: usize) -> usize {
        let at = (self.base + self.bytes.len()).next_multiple_of(to);
        self.bytes.resize(at - self.base, 0);
        at
    }

    fn word(&mut self, value: usize) {
        self.bytes.extend(u32::try_from(value).expect("a small number").to_le_bytes());
    }

    fn long(&mut self, value: u64) {
        self.bytes.extend(value.to_le_bytes());
    }

    fn text(&mut self, text: &str) -> [usize; 2] {
        let at = self.base + self.bytes.len();
        self.bytes.extend(text.as_bytes());
        [at, text.len()]
    }

    fn words(&mut self, words: &[usize]) {
        words.iter().for_each(|word| self.word(*word));
    }

    fn description(&mut self, flow_id: &str, start_pins: &str) -> usize {
        let node = self.text("start");
        let entries = self.align(4);
        self.words(&node);
        self.word(0);
        let parts = [
            self.text(flow_id),
            self.text(""),
            [entries, 1],
            self.text(start_pins),
            self.text(r#"{"start":{"type":"start","label":"Begin"},"ask_user#1":{"type":"ask_user","label":"Ask"}}"#),
        ];
        let at = self.align(4);
        self.words(parts.as_flattened());
        at
    }

    /// The address of a `ticked`; 0 for a trap.
    fn answer(&mut self, answer: &Answer) -> usize {
        let node = self.text("end");
        let (case, parts): (usize, Vec<usize>) = match answer {
            Answer::Trap => return 0,
            Answer::Blocked(effects, abandoned) => {
                let made: Vec<_> = effects
                    .iter()
                    .map(|e| (e.id, [self.text(&e.node), self.text(&e.kind), self.text(&e.payload)]))
                    .collect();
                let list = self.align(8);
                for (id, texts) in &made {
                    self.long(*id);
                    self.words(texts.as_flattened());
                    // The ordinal, then neither result key nor next node.
                    self.long(1);
                    self.words(&[0; 6]);
                }
                let gone = self.align(8);
                abandoned.iter().for_each(|id| self.long(*id));
                (0, vec![list, effects.len(), gone, abandoned.len(), 1])
            }
            Answer::Told => (2, vec![node[0], node[1], 0, 0, 0, 1]),
            Answer::Output(json) => {
                let json = self.text(json);
                (2, vec![node[0], node[1], json[0], json[1], 0, 1])
            }
            Answer::Failed(message) => {
                let (code, message) = (self.text("node_error"), self.text(message));
                (3, vec![node[0], node[1], code[0], code[1], message[0], message[1], 1])
            }
        };
        let at = self.align(8);
        self.word(case);
        self.words(&parts);
        self.words(&vec![0; 9 - parts.len()]);
        at
    }
}

/// A component of the flow world around a core module: the committed runtime's, with its core module replaced.
pub fn wrap(module: &[u8]) -> Vec<u8> {
    const MODULE: u8 = 1;
    const CUSTOM: u8 = 0;
    let shell = std::fs::read(root().join("flows-compiler/assets/flow-rt.wasm")).expect("the runtime is there");
    let (mut component, mut at) = (shell[..8].to_vec(), 8);
    while at < shell.len() {
        let (id, from) = (shell[at], at);
        let (mut size, mut shift) = (0usize, 0);
        at += 1;
        loop {
            let byte = shell[at];
            at += 1;
            size |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        at += size;
        match id {
            CUSTOM => {}
            MODULE => {
                component.push(MODULE);
                push_length(&mut component, module.len());
                component.extend(module);
            }
            _ => component.extend(&shell[from..at]),
        }
    }
    component
}

/// Appends a length as WebAssembly writes it: LEB128.
pub fn push_length(out: &mut Vec<u8>, length: usize) {
    let mut left = length;
    while left >= 0x80 {
        out.push((left as u8 & 0x7f) | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}
