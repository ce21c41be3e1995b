//! The committed runtime, taken apart once.

use std::collections::HashMap;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};
use wasm_encoder::ValType;
use wasmparser::{ComponentAlias, ExternalKind, Parser, Payload, TypeRef};

/// Section ids of the component binary format.
pub(super) const MODULE: u8 = 1;

static BYTES: &[u8] = include_bytes!("../../assets/flow-rt.wasm");

/// The runtime and the shell around it.
#[derive(Debug)]
pub struct Runtime {
    /// The core module that every shared flow links to.
    pub core: Vec<u8>,
    /// SHA-256 of [`Runtime::core`] as hex.
    pub digest: String,
    /// The shell's sections after its core module, without custom ones: (id, contents).
    pub(super) shell: Vec<(u8, Vec<u8>)>,
    /// Exports of the core module that the shell uses.
    pub(super) shell_uses: Vec<String>,
    pub(super) exports: HashMap<String, Export>,
}

#[derive(Debug)]
pub(super) enum Export {
    Function { params: Vec<ValType>, results: Vec<ValType> },
    Memory,
    Table,
}

/// The runtime of this compiler. An error means that the committed file is broken.
pub fn runtime() -> Result<&'static Runtime, &'static String> {
    static RUNTIME: LazyLock<Result<Runtime, String>> = LazyLock::new(|| take_apart(BYTES));
    RUNTIME.as_ref()
}

fn take_apart(bytes: &[u8]) -> Result<Runtime, String> {
    let error = |e: wasmparser::BinaryReaderError| format!("flow-rt.wasm: {e}");
    let (mut core, mut shell, mut shell_uses) = (None, Vec::new(), Vec::new());
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(error)?;
        match &payload {
            // Sections of the module and of nested components are part of their section here.
            Payload::ModuleSection { unchecked_range, .. } => {
                depth += 1;
                if depth == 1 {
                    core = Some(part(bytes, unchecked_range)?);
                }
                continue;
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                depth += 1;
                if depth == 1 {
                    shell.push((4, part(bytes, unchecked_range)?));
                }
                continue;
            }
            Payload::End(_) => {
                depth -= 1;
                continue;
            }
            Payload::CustomSection(_) => continue,
            _ if depth > 0 => continue,
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases.clone() {
                    if let ComponentAlias::CoreInstanceExport { name, .. } = alias.map_err(error)? {
                        shell_uses.push(name.to_owned());
                    }
                }
            }
            _ => {}
        }
        if let Some((id, range)) = payload.as_section() {
            shell.push((id, part(bytes, &range)?));
        }
    }
    let core = core.ok_or("flow-rt.wasm holds no core module")?;
    let exports = exports(&core)?;
    let digest = hex::encode(Sha256::digest(&core));
    Ok(Runtime {
        core,
        digest,
        shell,
        shell_uses,
        exports,
    })
}

fn part(bytes: &[u8], range: &std::ops::Range<u64>) -> Result<Vec<u8>, String> {
    let part = bytes.get(range.start as usize..range.end as usize);
    part.map(<[u8]>::to_vec)
        .ok_or_else(|| "flow-rt.wasm: a section lies outside the file".to_owned())
}

fn exports(core: &[u8]) -> Result<HashMap<String, Export>, String> {
    let error = |e: wasmparser::BinaryReaderError| format!("flow-rt.wasm, core module: {e}");
    let (mut types, mut functions, mut found) = (Vec::new(), Vec::new(), HashMap::new());
    for payload in Parser::new(0).parse_all(core) {
        match payload.map_err(error)? {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    types.push(ty.map_err(error)?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(error)?;
                    if let TypeRef::Func(ty) = import.ty {
                        functions.push(ty);
                    }
                }
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    functions.push(ty.map_err(error)?);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(error)?;
                    let kind = match export.kind {
                        ExternalKind::Func => {
                            let ty = functions.get(export.index as usize).and_then(|ty| types.get(*ty as usize));
                            let ty = ty.ok_or("flow-rt.wasm: an export has no type")?;
                            let convert = |list: &[wasmparser::ValType]| list.iter().map(|t| super::value_type(*t)).collect();
                            let params: Result<Vec<_>, String> = convert(ty.params());
                            let results: Result<Vec<_>, String> = convert(ty.results());
                            Export::Function {
                                params: params?,
                                results: results?,
                            }
                        }
                        ExternalKind::Memory => Export::Memory,
                        ExternalKind::Table => Export::Table,
                        _ => continue,
                    };
                    found.insert(export.name.to_owned(), kind);
                }
            }
            _ => {}
        }
    }
    Ok(found)
}
