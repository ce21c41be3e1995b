//! Makes a component of a flow's core module.
//!
//! The committed `flow-rt.wasm` is a component of the flow world in which only the runtime is instantiated. It is the shell of
//! every flow: the flow's module is appended and instantiated with the runtime as its import, and its start function registers
//! the flow. In the **standalone** form the shell stays whole; in the **shared** form its core module becomes an import, so that
//! a thousand flows share one copy of the runtime's machine code.

mod runtime;
mod surface;
mod world;

use std::borrow::Cow;

use wasm_encoder::reencode::{Reencode, RoundtripReencoder};
use wasm_encoder::{
    Component as Encoder, ComponentImportSection, ComponentTypeRef, CoreTypeSection, CustomSection, EntityType, InstanceSection,
    ModuleArg, ModuleType, RawSection,
};

pub use runtime::{Runtime, runtime};
pub use surface::{Import, ImportKind, Surface, surface, validated_surface};

use crate::codegen::RUNTIME;
use crate::diagnostic::Diagnostic;
use crate::graph::Graph;

/// How a component gets the runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It imports the core module [`RUNTIME_IMPORT`]; the host gives it the one it was compiled for.
    Shared,
    /// It carries the runtime and imports nothing.
    Standalone,
}

/// The name under which a shared component imports the runtime's core module.
pub const RUNTIME_IMPORT: &str = "flow-rt";

/// Custom section of every component: the digest of the runtime's core module, as hex.
pub const RUNTIME_SECTION: &str = "flowgate-runtime";

/// A compiled flow.
#[derive(Debug, Clone)]
pub struct Component {
    pub bytes: Vec<u8>,
}

/// Compiles a graph to a component.
pub fn compile(graph: &Graph, link: Link) -> Result<Component, Vec<Diagnostic>> {
    let runtime = runtime().map_err(|e| vec![Diagnostic::error(&graph.id, e.clone())])?;
    let module = crate::codegen::core_module(graph, &runtime.digest);
    component(runtime, &module, link)
        .map(|bytes| Component { bytes })
        .map_err(|e| vec![Diagnostic::error(&graph.id, e)])
}

fn component(runtime: &Runtime, module: &[u8], link: Link) -> Result<Vec<u8>, String> {
    let mut out = Encoder::new();
    match link {
        Link::Standalone => {
            out.section(&RawSection {
                id: runtime::MODULE,
                data: &runtime.core,
            });
        }
        Link::Shared => import_runtime(&mut out, runtime, module)?,
    }
    append_shell(&mut out, runtime);
    out.section(&RawSection {
        id: runtime::MODULE,
        data: module,
    });
    let mut instances = InstanceSection::new();
    // The shell's one module is module 0 and its one instance is instance 0.
    instances.instantiate::<_, &str>(1, [(RUNTIME, ModuleArg::Instance(0))]);
    out.section(&instances);
    out.section(&CustomSection {
        name: RUNTIME_SECTION.into(),
        data: Cow::Borrowed(runtime.digest.as_bytes()),
    });
    Ok(out.finish())
}

/// Makes the runtime's core module an import, with as much of its type as the shell and `module` use.
fn import_runtime(out: &mut Encoder, runtime: &Runtime, module: &[u8]) -> Result<(), String> {
    let mut types = CoreTypeSection::new();
    types.ty().module(&module_type(runtime, module)?);
    out.section(&types);
    let mut imports = ComponentImportSection::new();
    imports.import(RUNTIME_IMPORT, ComponentTypeRef::Module(0));
    out.section(&imports);
    Ok(())
}

/// What every component has around its runtime: its instance, and the functions of the flow world lifted from it.
fn append_shell(out: &mut Encoder, runtime: &Runtime) {
    for (id, data) in &runtime.shell {
        out.section(&RawSection { id: *id, data });
    }
}

/// The type of the runtime's core module as far as the shell and the flow use it: nothing more, so that little has to match.
fn module_type(runtime: &Runtime, module: &[u8]) -> Result<ModuleType, String> {
    let mut used: Vec<&str> = runtime.shell_uses.iter().map(String::as_str).collect();
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let wasmparser::Payload::ImportSection(imports) = payload.map_err(|e| e.to_string())? {
            for import in imports.into_imports() {
                used.push(import.map_err(|e| e.to_string())?.name);
            }
        }
    }
    used.sort_unstable();
    used.dedup();
    let mut ty = ModuleType::new();
    let mut types = 0;
    for name in used {
        let export = runtime
            .exports
            .get(name)
            .ok_or_else(|| format!("the runtime has no '{name}'"))?;
        let entity = match export {
            runtime::Export::Function { params, results } => {
                ty.ty().function(params.iter().copied(), results.iter().copied());
                types += 1;
                EntityType::Function(types - 1)
            }
            // Only the least is asked for: a newer runtime may need more memory or a larger table.
            runtime::Export::Memory => EntityType::Memory(wasm_encoder::MemoryType {
                minimum: 0,
                maximum: None,
                memory64: false,
                shared: false,
                page_size_log2: None,
            }),
            runtime::Export::Table => EntityType::Table(wasm_encoder::TableType {
                element_type: wasm_encoder::RefType::FUNCREF,
                table64: false,
                minimum: 0,
                maximum: None,
                shared: false,
            }),
        };
        ty.export(name, entity);
    }
    Ok(ty)
}

/// Value types of the parser as the encoder's.
fn value_type(ty: wasmparser::ValType) -> Result<wasm_encoder::ValType, String> {
    RoundtripReencoder.val_type(ty).map_err(|e| e.to_string())
}
