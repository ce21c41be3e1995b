//! `import` of the modules that the runtime has.

use flow_rt::python::names::Module;
use ruff_python_ast::{self as ast, Alias};
use ruff_text_size::Ranged;

use super::Lowerer;
use crate::python::mir::{Arg, Slot};
use crate::python::rt;

impl Lowerer<'_> {
    /// `import a.b` binds `a`; `import a.b as c` binds `a.b`.
    pub(super) fn import(&mut self, alias: &Alias) {
        let path = alias.name.as_str();
        let (module, name) = match &alias.asname {
            Some(name) => (path, name.as_str()),
            None => {
                let first = path.split('.').next().unwrap_or(path);
                (first, first)
            }
        };
        let mark = self.frame.mark();
        let slot = self.frame.temp();
        self.module(slot, module, alias.range());
        self.store(name, slot);
        self.frame.release(mark);
    }

    pub(super) fn import_from(&mut self, stmt: &ast::StmtImportFrom) {
        let module = stmt.module.as_ref().map_or("", |name| name.as_str());
        if module == "__future__" {
            return;
        }
        let mark = self.frame.mark();
        let (object, value) = (self.frame.temp(), self.frame.temp());
        self.module(object, module, stmt.range());
        for alias in &stmt.names {
            let path = format!("{module}.{}", alias.name);
            match Module::named(&path) {
                Some(_) => self.module(value, &path, alias.range()),
                None => self.attribute(value, object, alias.name.as_str()),
            }
            self.store(alias.asname.as_ref().unwrap_or(&alias.name).as_str(), value);
        }
        self.frame.release(mark);
    }

    fn module(&mut self, dst: Slot, name: &str, range: ruff_text_size::TextRange) {
        match Module::named(name) {
            Some(module) => self.frame.rt(&rt::py_module, [Arg::Slot(dst), Arg::Word(module as u32)]),
            None => self.refuse(range, "this module cannot be imported"),
        }
    }
}
