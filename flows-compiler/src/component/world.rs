//! Whether what a component exports is the flow world: names, parameters and results, compared without compiling anything.

use std::sync::LazyLock;

use wasm_encoder::{Component as Encoder, RawSection};
use wasmparser::Validator;
use wasmparser::component_types::{ComponentEntityType, ComponentTypeId};
use wasmparser::types::TypesRef;

use super::runtime::runtime;

/// The export that makes a component a flow.
const WORLD_EXPORT: &str = "flowgate:flow/workflow@0.1.0";

/// Section id of a component within a component.
const COMPONENT: u8 = 4;

/// Checks that the bytes are a valid component and that its export [`WORLD_EXPORT`], if it has one, is that of the flow world.
///
/// # Errors
/// What is wrong; a function of the world that is missing or has another type is named.
pub(super) fn validate(component: &[u8]) -> Result<(), String> {
    // Types of two components can be compared when one validator has seen both: they are nested in one.
    let mut both = Encoder::new();
    for data in [component, model()?] {
        both.section(&RawSection { id: COMPONENT, data });
    }
    let types = Validator::new().validate_all(&both.finish());
    let types = types.map_err(|e| e.message().to_owned())?;
    let types = types.as_ref();
    compare(types, types.component_at(0), types.component_at(1))
}

fn compare(types: TypesRef<'_>, guest: ComponentTypeId, model: ComponentTypeId) -> Result<(), String> {
    let (Some(found), Some(wanted)) = (types[guest].exports.get(WORLD_EXPORT), types[model].exports.get(WORLD_EXPORT)) else {
        return Ok(());
    };
    if ComponentEntityType::is_subtype_of(&found.ty, types, &wanted.ty, types) {
        return Ok(());
    }
    // Which part of it is it?
    let (ComponentEntityType::Instance(found), ComponentEntityType::Instance(wanted)) = (&found.ty, &wanted.ty) else {
        return Err(format!("its export '{WORLD_EXPORT}' is no interface"));
    };
    for (name, wanted) in &types[*wanted].exports {
        if !matches!(wanted.ty, ComponentEntityType::Func(_)) {
            continue;
        }
        match types[*found].exports.get(name) {
            None => return Err(format!("its export '{WORLD_EXPORT}' has no function '{name}'")),
            Some(function) if !ComponentEntityType::is_subtype_of(&function.ty, types, &wanted.ty, types) => {
                return Err(format!(
                    "its function '{name}' has other parameters or results than '{WORLD_EXPORT}' says: build it with this version of the interface"
                ));
            }
            Some(_) => {}
        }
    }
    Err(format!("its export '{WORLD_EXPORT}' is not the interface of this host"))
}

/// A component of the flow world to compare with: the shell of every flow, without the runtime in it.
fn model() -> Result<&'static [u8], String> {
    static MODEL: LazyLock<Result<Vec<u8>, String>> = LazyLock::new(|| {
        let runtime = runtime().map_err(Clone::clone)?;
        let mut out = Encoder::new();
        super::import_runtime(&mut out, runtime, &wasm_encoder::Module::new().finish())?;
        super::append_shell(&mut out, runtime);
        Ok(out.finish())
    });
    MODEL.as_deref().map_err(Clone::clone)
}
