//! `match`: patterns as jumps. Names are bound only when a whole pattern has matched.

use ruff_python_ast::{self as ast, Expr, Identifier, Pattern, Singleton};
use ruff_text_size::Ranged;

use super::Lowerer;
use crate::python::mir::{Arg, BlockId, CompareOp, Op, Operand, Slot};
use crate::python::rt;

/// Builtin types whose one positional pattern is the subject itself.
const SELF_MATCHING: [&str; 11] = [
    "bool",
    "bytearray",
    "bytes",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "set",
    "str",
    "tuple",
];

/// What a pattern binds: names, and the slots that keep the values until the whole has matched.
#[derive(Default)]
struct Captures(Vec<(String, Slot)>);

impl Lowerer<'_> {
    pub(super) fn match_statement(&mut self, stmt: &ast::StmtMatch) {
        let mark = self.frame.mark();
        // A case may assign the variable that is matched.
        let subject = self.frame.temp();
        self.into(subject, &stmt.subject);
        let after = self.frame.block();
        for case in &stmt.cases {
            let inner = self.frame.mark();
            let next = self.frame.block();
            let mut captures = Captures::default();
            self.pattern(&case.pattern, subject, next, &mut captures);
            for (name, slot) in captures.0 {
                self.store(&name, slot);
            }
            if let Some(guard) = &case.guard {
                let holds = self.frame.block();
                self.condition(guard, holds, next);
                self.frame.start(holds);
            }
            self.frame.release(inner);
            self.body(&case.body);
            self.frame.jump(after);
            self.frame.start(next);
        }
        self.frame.start(after);
        self.frame.release(mark);
    }

    /// Goes on if the pattern matches, to `fail` if not. Temporaries live on, since captures are among them.
    fn pattern(&mut self, pattern: &Pattern, subject: Slot, fail: BlockId, captures: &mut Captures) {
        match pattern {
            Pattern::MatchValue(value) => {
                let value = self.operand(&value.value);
                self.same(CompareOp::Eq, subject, value, fail);
            }
            Pattern::MatchSingleton(singleton) => {
                let value = self.frame.temp();
                self.frame.op(match singleton.value {
                    Singleton::None => Op::None(value),
                    Singleton::True => Op::Bool(value, true),
                    Singleton::False => Op::Bool(value, false),
                });
                self.same(CompareOp::Is, subject, Operand::Slot(value), fail);
            }
            Pattern::MatchAs(pattern) => {
                if let Some(inner) = &pattern.pattern {
                    self.pattern(inner, subject, fail, captures);
                }
                self.capture(pattern.name.as_ref(), subject, captures);
            }
            Pattern::MatchOr(alternatives) => {
                let matched = self.frame.block();
                for alternative in &alternatives.patterns {
                    let next = self.frame.block();
                    self.pattern(alternative, subject, next, captures);
                    self.frame.jump(matched);
                    self.frame.start(next);
                }
                self.frame.jump(fail);
                self.frame.start(matched);
            }
            Pattern::MatchSequence(sequence) => self.sequence(&sequence.patterns, subject, fail, captures),
            Pattern::MatchMapping(mapping) => self.mapping(mapping, subject, fail, captures),
            Pattern::MatchClass(class) => self.class_pattern(class, subject, fail, captures),
            Pattern::MatchStar(_) => self.refuse(pattern.range(), "a star pattern stands only within a sequence"),
        }
    }

    fn same(&mut self, op: CompareOp, subject: Slot, value: Operand, fail: BlockId) {
        let matched = self.frame.block();
        self.frame.compare(op, Operand::Slot(subject), value, matched, fail);
        self.frame.start(matched);
    }

    /// All alternatives of an or-pattern keep a name's value in the same slot.
    fn capture(&mut self, name: Option<&Identifier>, value: Slot, captures: &mut Captures) {
        let Some(name) = name else { return };
        let known = captures.0.iter().find(|(known, _)| known == name.as_str());
        let slot = match known {
            Some((_, slot)) => *slot,
            None => {
                let slot = self.frame.temp();
                captures.0.push((name.as_str().to_owned(), slot));
                slot
            }
        };
        self.frame.copy(slot, value);
    }

    fn sequence(&mut self, patterns: &[Pattern], subject: Slot, fail: BlockId, captures: &mut Captures) {
        let is_sequence = self.frame.block();
        self.frame
            .test(&rt::py_is_sequence, vec![Arg::Slot(subject)], is_sequence, fail);
        self.frame.start(is_sequence);
        let star = patterns.iter().position(Pattern::is_match_star);
        let (argument, length) = (self.frame.temp(), self.frame.temp());
        self.frame.copy(argument, subject);
        self.call_builtin(length, "len", argument, 1);
        let fits = self.frame.block();
        let (op, n) = match star {
            None => (CompareOp::Eq, patterns.len()),
            Some(_) => (CompareOp::Ge, patterns.len() - 1),
        };
        self.frame
            .compare(op, Operand::Slot(length), Operand::Int(n as i64), fits, fail);
        self.frame.start(fits);
        let items = self.frame.temps(patterns.len());
        match star {
            None => self.frame.rt(
                &rt::py_unpack,
                [Arg::Slot(items), Arg::Slot(subject), Arg::Word(patterns.len() as u32)],
            ),
            Some(star) => {
                let after = (patterns.len() - star - 1) as u32;
                self.frame.rt(
                    &rt::py_unpack_star,
                    [Arg::Slot(items), Arg::Slot(subject), Arg::Word(star as u32), Arg::Word(after)],
                );
            }
        }
        for (item, pattern) in (items..).zip(patterns) {
            match pattern {
                Pattern::MatchStar(star) => self.capture(star.name.as_ref(), item, captures),
                pattern => self.pattern(pattern, item, fail, captures),
            }
        }
    }

    fn mapping(&mut self, mapping: &ast::PatternMatchMapping, subject: Slot, fail: BlockId, captures: &mut Captures) {
        let is_mapping = self.frame.block();
        self.frame
            .test(&rt::py_is_mapping, vec![Arg::Slot(subject)], is_mapping, fail);
        self.frame.start(is_mapping);
        let keys = self.frame.temps(mapping.keys.len());
        let values = self.frame.temps(mapping.keys.len());
        for (key, expr) in (keys..).zip(&mapping.keys) {
            self.into(key, expr);
        }
        // All keys are looked for before any value is matched.
        for (key, value) in (keys..).zip(values..).take(mapping.keys.len()) {
            let found = self.frame.block();
            let args = vec![Arg::Slot(value), Arg::Slot(subject), Arg::Slot(key)];
            self.frame.test(&rt::py_mapping_get, args, found, fail);
            self.frame.start(found);
        }
        for (value, pattern) in (values..).zip(&mapping.patterns) {
            self.pattern(pattern, value, fail, captures);
        }
        if let Some(rest) = &mapping.rest {
            let others = self.frame.temp();
            self.frame
                .rt(&rt::py_dict, [Arg::Slot(others), Arg::Slot(others), Arg::Word(0)]);
            self.frame.rt(&rt::py_dict_update, [Arg::Slot(others), Arg::Slot(subject)]);
            for key in (keys..).take(mapping.keys.len()) {
                self.frame.rt(&rt::py_delitem, [Arg::Slot(others), Arg::Slot(key)]);
            }
            self.capture(Some(rest), others, captures);
        }
    }

    fn class_pattern(&mut self, class: &ast::PatternMatchClass, subject: Slot, fail: BlockId, captures: &mut Captures) {
        let builtin = match &*class.cls {
            Expr::Name(name) if self.builtin(name.id.as_str()).is_some() => Some(name.id.as_str()),
            _ => None,
        };
        let pair = self.frame.temps(2);
        let (object, answer) = (self.frame.temp(), self.frame.temp());
        self.into(object, &class.cls);
        self.frame.copy(pair, subject);
        self.frame.copy(pair + 1, object);
        self.call_builtin(answer, "isinstance", pair, 2);
        let is_instance = self.frame.block();
        self.frame.truth(answer, is_instance, fail);
        self.frame.start(is_instance);

        let positional = &class.arguments.patterns;
        match (builtin, &**positional) {
            (Some(name), [pattern]) if SELF_MATCHING.contains(&name) => self.pattern(pattern, subject, fail, captures),
            (_, []) => {}
            _ => {
                let names = self.frame.temp();
                self.attribute(names, object, "__match_args__");
                for (at, pattern) in (0..).zip(positional.iter()) {
                    let (index, name) = (self.frame.temp(), self.frame.temp());
                    self.frame.op(Op::Int(index, at));
                    self.frame
                        .rt(&rt::py_getitem, [Arg::Slot(name), Arg::Slot(names), Arg::Slot(index)]);
                    self.attribute_pattern(name, pattern, subject, fail, captures);
                }
            }
        }
        for keyword in &class.arguments.keywords {
            let name = self.frame.temp();
            let attr = self.mangled(keyword.attr.as_str());
            self.frame.text(name, &attr);
            self.attribute_pattern(name, &keyword.pattern, subject, fail, captures);
        }
    }

    /// Matches the attribute that a slot names, if the subject has it.
    fn attribute_pattern(&mut self, name: Slot, pattern: &Pattern, subject: Slot, fail: BlockId, captures: &mut Captures) {
        let (value, has) = (self.frame.temp(), self.frame.block());
        let pair = self.frame.temps(2);
        self.frame.copy(pair, subject);
        self.frame.copy(pair + 1, name);
        self.call_builtin(value, "hasattr", pair, 2);
        self.frame.truth(value, has, fail);
        self.frame.start(has);
        self.frame.copy(pair, subject);
        self.frame.copy(pair + 1, name);
        self.call_builtin(value, "getattr", pair, 2);
        self.pattern(pattern, value, fail, captures);
    }
}
