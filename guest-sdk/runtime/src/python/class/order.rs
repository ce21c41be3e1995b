//! The order in which attributes are looked for: a class and all above it.

use super::base_name;
use crate::python::error::{Py, type_error};
use crate::python::exception;
use crate::python::names::Builtin;
use crate::python::object::Obj;

/// A class and all above it, in order.
fn order(class: &Obj) -> Vec<Obj> {
    let mut order = vec![class.clone()];
    match class {
        Obj::Class(class) => order.extend(class.above.iter().cloned()),
        Obj::Builtin(class) => {
            let mut class = *class;
            if class != Builtin::Object {
                while let Some(above) = exception::parent(class) {
                    order.push(Obj::Builtin(above));
                    class = above;
                }
                order.push(Obj::Builtin(Builtin::Object));
            }
        }
        _ => order.push(Obj::Builtin(Builtin::Object)),
    }
    order
}

/// CPython's C3 merge of the bases' orders.
pub(super) fn linearise(bases: &[Obj]) -> Py<Vec<Obj>> {
    let mut lists: Vec<Vec<Obj>> = bases.iter().map(order).collect();
    lists.push(bases.to_vec());
    lists.iter_mut().for_each(|list| list.reverse());
    let mut merged = Vec::new();
    loop {
        lists.retain(|list| !list.is_empty());
        if lists.is_empty() {
            return Ok(merged);
        }
        let good = lists.iter().filter_map(|list| list.last()).find(|candidate| {
            !lists
                .iter()
                .any(|list| list.iter().rev().skip(1).any(|later| later.is(candidate)))
        });
        let Some(next) = good.cloned() else {
            let names: Vec<_> = bases.iter().map(|base| base_name(base).to_string()).collect();
            return Err(type_error(format!(
                "Cannot create a consistent method resolution\norder (MRO) for bases {}",
                names.join(", ")
            )));
        };
        for list in &mut lists {
            if list.last().is_some_and(|last| last.is(&next)) {
                list.pop();
            }
        }
        merged.push(next);
    }
}
