//! Interfaces of WASI that a guest's toolchain imports and this host does not give. They are linked so that the guest can start;
//! a call traps and says which it was.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceType};

use crate::sandbox::limits::Data;

/// The host's side of a resource that nobody can make.
struct Never;

/// Links every imported interface that is not in `given` (names without version) with functions that trap.
pub(super) fn link(linker: &mut Linker<Data>, component: &Component, given: &[&str]) -> wasmtime::Result<()> {
    let engine = linker.engine().clone();
    let mut known: Vec<ResourceType> = Vec::new();
    for (interface, import) in component.component_type().imports(&engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else {
            continue;
        };
        let name = interface.split_once('@').map_or(interface, |(name, _)| name);
        let absent = !given.contains(&name);
        for (item, export) in instance.exports(&engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) if absent => {
                    let called = format!("{interface}#{item}");
                    linker.instance(interface)?.func_new(item, move |_, _, _, _| {
                        Err(wasmtime::format_err!(
                            "the flow calls '{called}', which no flow is given: what leaves the flow is asked for by effects"
                        ))
                    })?;
                }
                // A resource that was met before is that interface's own under another name, and linked there.
                ComponentItem::Resource(resource) if !known.contains(&resource) => {
                    known.push(resource);
                    if absent {
                        let ty = ResourceType::host::<Never>();
                        linker.instance(interface)?.resource(item, ty, |_, _| Ok(()))?;
                    }
                }
                _ => {}
            }
        }
    }
    Ok(())
}
