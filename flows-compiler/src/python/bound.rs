//! Drops checks of variables that are surely assigned.
//!
//! A forward analysis over the blocks of a function: which checked slots hold a value on every way to a place. An exception may
//! leave a block before any of its assignments, so a handler begins with what held at the block's beginning.

use std::collections::HashMap;
use std::ops::Range;

use super::mir::{Arg, Block, BlockId, End, Function, Op, Slot};
use super::rt;

pub(super) fn drop_checks(function: &mut Function) {
    let mut checked: HashMap<Slot, usize> = HashMap::new();
    for op in function.blocks.iter().flat_map(|block| &block.ops) {
        if let Op::Check { slot, .. } = op {
            let next = checked.len();
            checked.entry(*slot).or_insert(next);
        }
    }
    if checked.is_empty() {
        return;
    }
    let params = &function.params;
    let filled = params.positional.len()
        + params.keyword_only.len()
        + usize::from(params.vararg.is_some())
        + usize::from(params.kwarg.is_some());
    let mut entry = Known::none(checked.len());
    for (slot, at) in &checked {
        if (1..=filled).contains(&(*slot as usize)) {
            entry.add(*at);
        }
    }
    let before = solve(&function.blocks, &checked, entry);
    for (block, before) in function.blocks.iter_mut().zip(before) {
        let Some(mut known) = before else { continue };
        block.ops.retain(|op| {
            let needed = match op {
                Op::Check { slot, .. } => checked.get(slot).is_some_and(|at| !known.has(*at)),
                _ => true,
            };
            known.after(op, &checked);
            needed
        });
    }
}

/// What is known at the beginning of each block; nothing for a block that is not reached.
fn solve(blocks: &[Block], checked: &HashMap<Slot, usize>, entry: Known) -> Vec<Option<Known>> {
    let mut before: Vec<Option<Known>> = vec![None; blocks.len()];
    let mut pending: Vec<BlockId> = vec![0];
    if let Some(first) = before.first_mut() {
        *first = Some(entry);
    }
    while let Some(at) = pending.pop() {
        let (Some(block), Some(Some(start))) = (blocks.get(at as usize), before.get(at as usize).cloned()) else {
            continue;
        };
        let mut meet = |to: BlockId, known: &Known| {
            if let Some(state) = before.get_mut(to as usize) {
                let changed = match state {
                    None => {
                        *state = Some(known.clone());
                        true
                    }
                    Some(state) => state.meet(known),
                };
                if changed {
                    pending.push(to);
                }
            }
        };
        let (mut known, mut anywhere) = (start.clone(), start);
        for op in &block.ops {
            known.after(op, checked);
            if let Op::Unbound(slot) = op {
                anywhere.forget(checked.get(slot));
            }
        }
        if let Some(unwind) = block.unwind {
            meet(unwind, &anywhere);
        }
        match &block.end {
            End::Jump(to) | End::Yield { resume: to } => meet(*to, &known),
            End::Truth { then, otherwise, .. } | End::Compare { then, otherwise, .. } => {
                meet(*then, &known);
                meet(*otherwise, &known);
            }
            End::Test {
                import,
                args,
                then,
                otherwise,
            } => {
                meet(*otherwise, &known);
                // The one test that assigns variables: a loop's next number.
                if import.name == rt::py_range_more.name
                    && let Some(Arg::Slot(dst)) = args.first()
                    && let Some(at) = checked.get(dst)
                {
                    known.add(*at);
                }
                meet(*then, &known);
            }
            End::Next { dst, body, done, .. } | End::Range { dst, body, done, .. } => {
                meet(*done, &known);
                if let Some(at) = checked.get(dst) {
                    known.add(*at);
                }
                meet(*body, &known);
            }
            End::Switch { targets, .. } => targets.iter().for_each(|to| meet(*to, &known)),
            End::Return | End::Raise => {}
        }
    }
    before
}

/// A set of checked slots, by their numbers.
#[derive(Debug, Clone, PartialEq)]
struct Known(Vec<u64>);

impl Known {
    fn none(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }
    fn has(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }
    fn add(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
    fn forget(&mut self, at: Option<&usize>) {
        if let Some(at) = at
            && let Some(word) = self.0.get_mut(at / 64)
        {
            *word &= !(1 << (at % 64));
        }
    }
    /// Keeps what the other knows too; whether that is less.
    fn meet(&mut self, other: &Self) -> bool {
        let mut changed = false;
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            let both = *mine & *theirs;
            changed |= both != *mine;
            *mine = both;
        }
        changed
    }
    fn after(&mut self, op: &Op, checked: &HashMap<Slot, usize>) {
        if let Op::Unbound(slot) = op {
            return self.forget(checked.get(slot));
        }
        for slot in written(op) {
            if let Some(at) = checked.get(&slot) {
                self.add(*at);
            }
        }
    }
}

/// The slots that surely hold something after the operation. Variables are written only by operations that name their destination
/// first.
fn written(op: &Op) -> Range<Slot> {
    let slot = match op {
        Op::None(slot)
        | Op::Bool(slot, _)
        | Op::Int(slot, _)
        | Op::Float(slot, _)
        | Op::Big(slot, _)
        | Op::Text(slot, _)
        | Op::Bytes(slot, _)
        | Op::Copy { dst: slot, .. }
        // It would have raised.
        | Op::Check { slot, .. }
        | Op::Binary { dst: slot, .. }
        | Op::Unary { dst: slot, .. }
        | Op::Compare { dst: slot, .. }
        | Op::Function { dst: slot, .. } => *slot,
        Op::Unbound(_) => return 0..0,
        Op::Rt { import, args } => match (import.name, args.as_slice()) {
            ("py_unpack", [Arg::Slot(from), _, Arg::Word(n)]) => return *from..*from + n,
            ("py_unpack_star", [Arg::Slot(from), _, Arg::Word(before), Arg::Word(after)]) => {
                return *from..*from + before + 1 + after;
            }
            (name, [Arg::Slot(slot), ..]) if gives(name) => *slot,
            _ => return 0..0,
        },
    };
    slot..slot + 1
}

/// Runtime functions whose first argument is where the result goes.
fn gives(name: &str) -> bool {
    matches!(
        name,
        "py_global_get"
            | "py_builtin"
            | "py_module"
            | "py_cell_get"
            | "py_getitem"
            | "py_slice"
            | "py_getattr"
            | "py_call"
            | "py_call_builtin"
            | "py_call_method"
            | "py_builtin1"
            | "py_builtin2"
            | "py_method0"
            | "py_method1"
            | "py_method2"
            | "py_call_star"
            | "py_list"
            | "py_tuple"
            | "py_set"
            | "py_dict"
            | "py_record"
            | "py_list_to_tuple"
            | "py_iter"
            | "py_format"
            | "py_join"
            | "py_class"
            | "py_super"
            | "py_catch"
            | "py_stop_value"
    )
}
