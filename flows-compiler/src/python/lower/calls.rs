//! Calls.

use ruff_python_ast::{self as ast, Arguments, Expr};

use super::Lowerer;
use crate::python::mir::{Arg, Op, Slot};
use crate::python::rt;
use crate::python::scope::{Kind, Place, eager};
use flow_rt::python::methods;
use flow_rt::python::names::{Builtin, Method};

/// What is called, evaluated before the arguments.
enum Callee {
    Builtin(u32),
    /// The object and the method's name.
    Method(Arg, String),
    Value(Slot),
}

impl Lowerer<'_> {
    pub(super) fn call(&mut self, dst: Slot, call: &ast::ExprCall) {
        if self.super_call(dst, call) || self.eager_generator(dst, call) {
            return;
        }
        let callee = self.callee(&call.func);
        if has_stars(&call.arguments) {
            let callee = self.value(callee);
            return self.star_call(dst, callee, &call.arguments);
        }
        self.plain_call(dst, callee, &call.arguments);
    }

    fn callee(&mut self, func: &Expr) -> Callee {
        match func {
            Expr::Name(name) => {
                if let Some(number) = self.builtin(&self.mangled(name.id.as_str())) {
                    return Callee::Builtin(number);
                }
            }
            Expr::Attribute(attribute) => {
                let object = match &*attribute.value {
                    // A text is used where it is.
                    text @ Expr::StringLiteral(_) => self.argument(text),
                    object => Arg::Slot(self.slot(object)),
                };
                return Callee::Method(object, self.mangled(attribute.attr.as_str()));
            }
            _ => {}
        }
        Callee::Value(self.slot(func))
    }

    /// The callee as an object.
    fn value(&mut self, callee: Callee) -> Slot {
        match callee {
            Callee::Value(slot) => slot,
            Callee::Builtin(number) => {
                let slot = self.frame.temp();
                self.frame.rt(&rt::py_builtin, [Arg::Slot(slot), Arg::Word(number)]);
                slot
            }
            Callee::Method(object, name) => {
                let slot = self.frame.temp();
                self.frame.rt(&rt::py_getattr, [Arg::Slot(slot), object, Arg::Text(name)]);
                slot
            }
        }
    }

    /// A call of a builtin, or of a method that some builtin type has, with few arguments and no names: these are read where they
    /// are. False when it is another call.
    fn small_call(&mut self, dst: Slot, callee: &Callee, arguments: &Arguments) -> bool {
        if !arguments.keywords.is_empty() || arguments.args.len() > 2 {
            return false;
        }
        let mut args = vec![Arg::Slot(dst)];
        let import = match (callee, arguments.args.len()) {
            (Callee::Builtin(number), n @ 1..) => {
                args.push(Arg::Word(*number));
                if n == 1 { &rt::py_builtin1 } else { &rt::py_builtin2 }
            }
            (Callee::Method(object, name), n) => {
                let Some(method) = Method::named(name) else { return false };
                args.extend([object.clone(), Arg::Text(name.clone()), Arg::Word(method as u32)]);
                match n {
                    0 => &rt::py_method0,
                    1 => &rt::py_method1,
                    _ => &rt::py_method2,
                }
            }
            _ => return false,
        };
        args.extend(arguments.args.iter().map(|value| self.argument(value)));
        self.frame.rt(import, args);
        true
    }

    fn plain_call(&mut self, dst: Slot, callee: Callee, arguments: &Arguments) {
        if let Callee::Method(object, name) = &callee
            && !self.are_quiet(arguments)
            && !is_method_of_text(object, name)
        {
            self.frame.rt(&rt::py_require, [object.clone(), Arg::Text(name.clone())]);
        }
        if self.small_call(dst, &callee, arguments) {
            return;
        }
        let n = arguments.args.len() + arguments.keywords.len();
        let args = self.frame.temps(n);
        let values = arguments
            .args
            .iter()
            .chain(arguments.keywords.iter().map(|keyword| &keyword.value));
        for (slot, value) in (args..).zip(values) {
            self.into(slot, value);
        }
        let names: Vec<String> = arguments
            .keywords
            .iter()
            .filter_map(|keyword| keyword.arg.as_ref())
            .map(|name| self.mangled(name.as_str()))
            .collect();
        let names = if names.is_empty() { Arg::Absent } else { Arg::Names(names) };
        let (args, n) = (Arg::Slot(args), Arg::Word(n as u32));
        match callee {
            Callee::Builtin(number) => self
                .frame
                .rt(&rt::py_call_builtin, [Arg::Slot(dst), Arg::Word(number), args, n, names]),
            Callee::Method(object, name) => self
                .frame
                .rt(&rt::py_call_method, [Arg::Slot(dst), object, Arg::Text(name), args, n, names]),
            Callee::Value(callee) => self
                .frame
                .rt(&rt::py_call, [Arg::Slot(dst), Arg::Slot(callee), args, n, names]),
        }
    }

    /// Whether evaluating the arguments neither raises nor does anything that can be seen, so that it may come before the callee is
    /// looked for.
    fn are_quiet(&self, arguments: &Arguments) -> bool {
        let values = arguments.keywords.iter().map(|keyword| &keyword.value);
        arguments.args.iter().chain(values).all(|value| match value {
            Expr::Name(name) => self.is_settled(name.id.as_str()),
            Expr::Lambda(lambda) => lambda.parameters.is_none(),
            Expr::UnaryOp(operation) => operation.operand.is_number_literal_expr(),
            value => value.is_literal_expr(),
        })
    }

    /// Calls a function object with values that are already in consecutive slots.
    pub(super) fn call_slots(&mut self, dst: Slot, callee: Slot, args: Slot, n: u32) {
        self.frame.rt(
            &rt::py_call,
            [Arg::Slot(dst), Arg::Slot(callee), Arg::Slot(args), Arg::Word(n), Arg::Absent],
        );
    }

    /// Calls a builtin with values that are already in consecutive slots.
    pub(super) fn call_builtin(&mut self, dst: Slot, name: &str, args: Slot, n: u32) {
        let Some(number) = super::names::builtin_number(name) else {
            return;
        };
        self.frame.rt(
            &rt::py_call_builtin,
            [Arg::Slot(dst), Arg::Word(number), Arg::Slot(args), Arg::Word(n), Arg::Absent],
        );
    }

    /// A call with `*` or `**`: the positional arguments in a list, the named ones in a dict.
    fn star_call(&mut self, dst: Slot, callee: Slot, arguments: &Arguments) {
        let list = match &*arguments.args {
            // Nothing but what is unpacked: the call itself does it.
            [Expr::Starred(starred)] => self.slot(&starred.value),
            args => {
                let list = self.frame.temp();
                self.list(list, args);
                list
            }
        };
        if arguments.keywords.is_empty() {
            return self.frame.rt(
                &rt::py_call_star,
                [Arg::Slot(dst), Arg::Slot(callee), Arg::Slot(list), Arg::Absent],
            );
        }
        let dict = self.frame.temp();
        self.frame.rt(&rt::py_dict, [Arg::Slot(dict), Arg::Slot(dict), Arg::Word(0)]);
        let mut merged = false;
        for keyword in &arguments.keywords {
            let mark = self.frame.mark();
            match &keyword.arg {
                None => {
                    merged = true;
                    let mapping = self.slot(&keyword.value);
                    self.merge(dict, mapping, callee);
                }
                Some(name) => {
                    let pair = self.frame.temps(2);
                    let name = self.mangled(name.as_str());
                    self.frame.text(pair, &name);
                    self.into(pair + 1, &keyword.value);
                    if merged {
                        // A name that `**` gave already is an error.
                        let one = self.frame.temp();
                        self.frame.rt(&rt::py_dict, [Arg::Slot(one), Arg::Slot(pair), Arg::Word(1)]);
                        self.merge(dict, one, callee);
                    } else {
                        self.frame
                            .rt(&rt::py_dict_set, [Arg::Slot(dict), Arg::Slot(pair), Arg::Slot(pair + 1)]);
                    }
                }
            }
            self.frame.release(mark);
        }
        self.frame.rt(
            &rt::py_call_star,
            [Arg::Slot(dst), Arg::Slot(callee), Arg::Slot(list), Arg::Slot(dict)],
        );
    }

    fn merge(&mut self, dict: Slot, mapping: Slot, callee: Slot) {
        self.frame
            .rt(&rt::py_dict_merge, [Arg::Slot(dict), Arg::Slot(mapping), Arg::Slot(callee)]);
    }

    /// `super()` within a method: the class that the method stands in, and its first argument.
    fn super_call(&mut self, dst: Slot, call: &ast::ExprCall) -> bool {
        let is_super = matches!(&*call.func, Expr::Name(name) if name.id.as_str() == "super");
        if !is_super || !call.arguments.is_empty() || self.builtin("super").is_none() {
            return false;
        }
        let (Place::Variable(class), Some(first)) = (self.scopes.place(self.frame.scope, "__class__"), self.frame.first.clone())
        else {
            return false;
        };
        let Some(cell) = self.frame.variables.get(&class).copied() else {
            return false;
        };
        let this = self.frame.temp();
        let scope = std::mem::replace(&mut self.frame.scope, self.frame.host);
        self.load(this, &first);
        self.frame.scope = scope;
        self.frame
            .rt(&rt::py_super, [Arg::Slot(dst), Arg::Slot(cell), Arg::Slot(this)]);
        true
    }

    /// A generator expression that a builtin uses up at once needs no generator: the builtin gets a list, and `any`, `all` and
    /// `sum` are loops.
    fn eager_generator(&mut self, dst: Slot, call: &ast::ExprCall) -> bool {
        let Some((builtin, generator)) = eager::candidate(call) else {
            return false;
        };
        if self.scopes.kind(generator) != Kind::Comprehension {
            return false;
        }
        match (builtin, &*call.func) {
            (Some("any"), _) => self.any_all(dst, generator, true),
            (Some("all"), _) => self.any_all(dst, generator, false),
            (Some("sum"), _) => self.sum(dst, generator),
            (Some("list"), _) => self.generator_list(dst, generator),
            (Some(builtin), _) => {
                let args = self.frame.temp();
                self.generator_list(args, generator);
                self.call_builtin(dst, builtin, args, 1);
            }
            (None, Expr::Attribute(attribute)) => {
                let object = self.slot(&attribute.value);
                let args = self.frame.temp();
                self.generator_list(args, generator);
                self.frame.rt(
                    &rt::py_call_method,
                    [
                        Arg::Slot(dst),
                        Arg::Slot(object),
                        Arg::Text("join".to_owned()),
                        Arg::Slot(args),
                        Arg::Word(1),
                        Arg::Absent,
                    ],
                );
            }
            _ => return false,
        }
        true
    }

    pub(super) fn none(&mut self, dst: Slot) {
        self.frame.op(Op::None(dst));
    }
}

/// Whether the object is a literal text, which has the method.
fn is_method_of_text(object: &Arg, name: &str) -> bool {
    matches!(object, Arg::Constant(_)) && Method::named(name).is_some_and(|method| methods::type_has(Builtin::Str, method))
}

fn has_stars(arguments: &Arguments) -> bool {
    arguments.args.iter().any(Expr::is_starred_expr) || arguments.keywords.iter().any(|keyword| keyword.arg.is_none())
}
