//! Class statements. A class body runs where it stands; its names live in a dict, its methods are ordinary functions.

use ruff_python_ast::{self as ast, Expr, Stmt};
use ruff_text_size::Ranged;

use super::Lowerer;
use crate::python::mir::{Arg, Op, Slot};
use crate::python::rt;
use crate::python::scope::ScopeId;

/// A class body that is being lowered.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) scope: ScopeId,
    pub(super) qualname: String,
}

impl Lowerer<'_> {
    pub(super) fn class(&mut self, class: &ast::StmtClassDef) {
        let mark = self.frame.mark();
        let decorators = self.consecutive(class.decorator_list.iter().map(|decorator| &decorator.expression));
        let arguments: &[Expr] = class.arguments.as_ref().map_or(&[], |arguments| &arguments.args);
        let bases = self.consecutive(arguments.iter());
        let (namespace, object) = (self.frame.temp(), self.frame.temp());
        self.frame
            .rt(&rt::py_dict, [Arg::Slot(namespace), Arg::Slot(namespace), Arg::Word(0)]);

        let scope = self.scopes.of(class);
        let qualname = self.qualified(class.name.as_str());
        // The cell that `super()` reads in methods.
        let cell = self.frame.temp();
        self.frame.op(Op::Unbound(cell));
        let variable = (scope, "__class__".to_owned());
        let captured = self.scopes.is_cell(&variable);
        self.adopt(variable, cell);

        let outer = std::mem::replace(&mut self.frame.scope, scope);
        self.frame.namespaces.insert(scope, namespace);
        self.classes.push(Body {
            scope,
            qualname: qualname.clone(),
        });
        self.entry(namespace, "__qualname__", |this, dst| this.frame.text(dst, &qualname));
        if let Some(Stmt::Expr(first)) = class.body.first()
            && first.value.is_string_literal_expr()
        {
            self.entry(namespace, "__doc__", |this, dst| this.into(dst, &first.value));
        }
        self.annotations(namespace, &class.body);
        self.body(&class.body);
        self.classes.pop();
        self.frame.scope = outer;

        self.frame.rt(
            &rt::py_class,
            [
                Arg::Slot(object),
                Arg::Text(class.name.as_str().to_owned()),
                Arg::Slot(bases),
                Arg::Word(arguments.len() as u32),
                Arg::Slot(namespace),
            ],
        );
        if captured {
            self.frame.rt(&rt::py_cell_set, [Arg::Slot(cell), Arg::Slot(object)]);
        }
        self.decorate(object, decorators, class.decorator_list.len());
        self.store(class.name.as_str(), object);
        self.frame.release(mark);
    }

    fn entry(&mut self, namespace: Slot, key: &str, value: impl FnOnce(&mut Self, Slot)) {
        let mark = self.frame.mark();
        let (name, slot) = (self.frame.temp(), self.frame.temp());
        self.frame.text(name, key);
        value(self, slot);
        self.frame
            .rt(&rt::py_dict_set, [Arg::Slot(namespace), Arg::Slot(name), Arg::Slot(slot)]);
        self.frame.release(mark);
    }

    /// `__annotations__`: the fields of a dataclass. Annotations are kept as the author wrote them, not evaluated.
    fn annotations(&mut self, namespace: Slot, body: &[Stmt]) {
        let fields: Vec<(String, String)> = body
            .iter()
            .filter_map(|stmt| {
                let assign = stmt.as_ann_assign_stmt()?;
                let name = assign.target.as_name_expr()?;
                let text = self.text.get(assign.annotation.range().to_std_range())?;
                Some((self.mangled(name.id.as_str()), text.to_owned()))
            })
            .collect();
        if fields.is_empty() {
            return;
        }
        self.entry(namespace, "__annotations__", |this, dst| {
            this.frame.rt(&rt::py_dict, [Arg::Slot(dst), Arg::Slot(dst), Arg::Word(0)]);
            for (name, text) in fields {
                this.entry(dst, &name, |this, slot| this.frame.text(slot, &text));
            }
        });
    }
}
