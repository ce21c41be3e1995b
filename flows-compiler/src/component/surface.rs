//! What a component asks for and what it gives, read from its outermost sections. Nothing is compiled or run.

use wasmparser::{ComponentExternalKind, ComponentTypeRef, Parser, Payload, TypeBounds};

use super::{RUNTIME_IMPORT, RUNTIME_SECTION};

/// What is at a component's boundary, and what making native code of it depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Surface {
    /// In the order of the component, each with what it is.
    pub imports: Vec<Import>,
    /// Names of exported instances, as `package:name/interface@version`.
    pub exports: Vec<String>,
    /// The digest in the component's section [`RUNTIME_SECTION`]: the runtime it was made for, whether it imports it or carries it.
    pub runtime: Option<String>,
    /// Bytes of the largest function in it.
    pub largest_function: usize,
}

/// Something that a component cannot do without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub name: String,
    pub kind: ImportKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportKind {
    /// A core module.
    Module,
    /// An interface: a group of functions and types.
    Interface,
    /// A function, a component or anything else.
    Other,
}

/// Checks that the bytes are valid WebAssembly and reads what is at the boundary. What it exports as the flow world has its types.
///
/// # Errors
/// The bytes are no valid component, or one whose flow world is another.
pub fn validated_surface(component: &[u8]) -> Result<Surface, String> {
    let found = surface(component)?;
    super::world::validate(component)?;
    Ok(found)
}

/// Reads what is at the boundary of a component.
///
/// # Errors
/// The bytes are no component.
pub fn surface(component: &[u8]) -> Result<Surface, String> {
    if !Parser::is_component(component) {
        let what = if Parser::is_core_wasm(component) {
            "a core module, not a component"
        } else {
            "not a WebAssembly component"
        };
        return Err(what.to_owned());
    }
    let (mut found, mut depth) = (Surface::default(), 0);
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|e| e.to_string())? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    let import = import.map_err(|e| e.to_string())?;
                    let kind = match import.ty {
                        ComponentTypeRef::Module(_) => ImportKind::Module,
                        ComponentTypeRef::Instance(_) => ImportKind::Interface,
                        // A type is a name for what another import has; nothing is asked for.
                        ComponentTypeRef::Type(TypeBounds::Eq(_)) => continue,
                        _ => ImportKind::Other,
                    };
                    found.imports.push(Import {
                        name: import.name.name.to_owned(),
                        kind,
                    });
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    let export = export.map_err(|e| e.to_string())?;
                    if export.kind == ComponentExternalKind::Instance {
                        found.exports.push(export.name.name.to_owned());
                    }
                }
            }
            Payload::CustomSection(section) if depth == 0 && section.name() == RUNTIME_SECTION => {
                found.runtime = Some(String::from_utf8_lossy(section.data()).into_owned());
            }
            Payload::CodeSectionEntry(body) => {
                let size = body.as_bytes().len();
                found.largest_function = found.largest_function.max(size);
            }
            _ => {}
        }
    }
    Ok(found)
}

impl Surface {
    /// The digest of the runtime that the component imports; none when it imports no runtime.
    ///
    /// # Errors
    /// It imports a runtime without naming which.
    pub fn linked_runtime(&self) -> Result<Option<&str>, String> {
        let imports = self.imports.iter().any(|import| import.is_runtime());
        match (imports, &self.runtime) {
            (false, _) => Ok(None),
            (true, Some(digest)) => Ok(Some(digest)),
            (true, None) => Err(format!(
                "the component imports '{RUNTIME_IMPORT}' but has no section '{RUNTIME_SECTION}'"
            )),
        }
    }
}

impl Import {
    /// Whether it is the core module that shared flows link to.
    pub fn is_runtime(&self) -> bool {
        self.kind == ImportKind::Module && self.name == RUNTIME_IMPORT
    }
}
