//! What a component may import: nothing, the runtime that flows share, or WASI 0.2. Decided here alone, for uploads and for
//! loading.

use flowgate_compiler::bundle::Limits;
use flowgate_compiler::{ImportKind, Surface};

use super::Error;

/// The interface that every flow exports.
const WORKFLOW: &str = "flowgate:flow/workflow@0.1.0";

/// A component up to this size, in bytes, with functions up to that, is compiled in a fraction of a second.
const QUICK: usize = 256 << 10;
const QUICK_FUNCTION: usize = 32 << 10;

/// How large a component may be that a client sends, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct MaxBytes {
    /// Without WASI.
    pub component: usize,
    /// With WASI: it carries its language's engine.
    pub wasi: usize,
    /// One function of it, without and with WASI.
    pub function: usize,
    pub wasi_function: usize,
}

impl From<&Limits> for MaxBytes {
    fn from(limits: &Limits) -> Self {
        MaxBytes {
            component: limits.component_bytes,
            wasi: limits.wasi_component_bytes,
            function: limits.function_bytes,
            wasi_function: limits.wasi_function_bytes,
        }
    }
}

/// What a component is linked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imports {
    /// Nothing: a guest that brings all it needs, or a flow in the standalone form.
    Nothing,
    /// The core module `flow-rt` of this digest (64 hex digits): a compiled flow in the shared form.
    Runtime(String),
    /// WASI 0.2, with nothing granted: a guest of another toolchain. Compiling it takes seconds.
    Wasi,
}

/// Checks a component that a client has sent: valid WebAssembly, the flow world's export, no import but those that a flow may
/// have, and its size. CPU work of up to a second for the largest; nothing is compiled.
///
/// # Errors
/// What is wrong, for the client: the import's name, the missing export, the limit.
pub fn check(bytes: &[u8], most: &MaxBytes) -> Result<Imports, Error> {
    let wasi = (most.wasi, "bundles.max_wasi_component_bytes");
    let plain = (most.component, "bundles.max_component_bytes");
    within(bytes, if most.wasi > most.component { wasi } else { plain })?;
    let surface = flowgate_compiler::validated_surface(bytes).map_err(Error::Invalid)?;
    if !surface.exports.iter().any(|name| name == WORKFLOW) {
        return Err(Error::World(format!("it does not export '{WORKFLOW}'")));
    }
    let imports = of(&surface)?;
    within(bytes, if imports == Imports::Wasi { wasi } else { plain })?;
    let (limit, setting) = match imports {
        Imports::Wasi => (most.wasi_function, "bundles.max_wasi_function_bytes"),
        _ => (most.function, "bundles.max_function_bytes"),
    };
    if surface.largest_function > limit {
        return Err(Error::LargeFunction {
            bytes: surface.largest_function,
            limit,
            setting,
        });
    }
    Ok(imports)
}

/// Whether native code of it is made in a fraction of a second, whoever has written it.
pub fn is_quick(bytes: &[u8]) -> bool {
    let largest = |bytes| flowgate_compiler::surface(bytes).map(|surface| surface.largest_function);
    bytes.len() <= QUICK && largest(bytes).is_ok_and(|largest| largest <= QUICK_FUNCTION)
}

fn within(bytes: &[u8], (limit, setting): (usize, &'static str)) -> Result<(), Error> {
    if bytes.len() <= limit {
        return Ok(());
    }
    Err(Error::TooLarge {
        bytes: bytes.len(),
        limit,
        setting,
    })
}

/// What a component is to be linked with.
///
/// # Errors
/// It imports something else, which the error names.
pub(super) fn of(surface: &Surface) -> Result<Imports, Error> {
    let runtime = surface.linked_runtime().map_err(Error::Invalid)?;
    let mut wasi = None;
    for import in &surface.imports {
        if import.is_runtime() {
            continue;
        }
        if import.kind != ImportKind::Interface || !is_wasi(&import.name) {
            return Err(Error::Import(import.name.clone()));
        }
        wasi = Some(&import.name);
    }
    match (runtime, wasi) {
        (None, None) => Ok(Imports::Nothing),
        (Some(digest), None) => Ok(Imports::Runtime(digest.to_owned())),
        (None, Some(_)) => Ok(Imports::Wasi),
        (Some(_), Some(name)) => Err(Error::World(format!("it imports both the runtime of flows and '{name}'"))),
    }
}

/// An interface of WASI 0.2, such as `wasi:clocks/wall-clock@0.2.9`.
fn is_wasi(name: &str) -> bool {
    let version = name.strip_prefix("wasi:").and_then(|rest| rest.split_once('@'));
    version.is_some_and(|(_, version)| version == "0.2" || version.starts_with("0.2."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowgate_compiler::Import;

    fn surface(imports: &[(&str, ImportKind)], runtime: Option<&str>) -> Surface {
        let imports = imports.iter().map(|(name, kind)| Import {
            name: (*name).to_owned(),
            kind: *kind,
        });
        Surface {
            imports: imports.collect(),
            exports: vec![WORKFLOW.to_owned()],
            runtime: runtime.map(str::to_owned),
            largest_function: 0,
        }
    }

    #[test]
    fn a_component_imports_nothing_or_the_runtime_or_wasi() {
        let wasi = ("wasi:clocks/wall-clock@0.2.9", ImportKind::Interface);
        let runtime = ("flow-rt", ImportKind::Module);
        type Case<'a> = (&'a [(&'a str, ImportKind)], Result<Imports, &'a str>);
        let cases: [Case<'_>; 10] = [
            (&[], Ok(Imports::Nothing)),
            (&[runtime], Ok(Imports::Runtime("d1".to_owned()))),
            (&[wasi], Ok(Imports::Wasi)),
            // Known to WASI, given by nobody: its functions trap when they are called.
            (&[("wasi:http/types@0.2.0", ImportKind::Interface)], Ok(Imports::Wasi)),
            (&[runtime, wasi], Err("both the runtime of flows and 'wasi:clocks")),
            (
                &[("wasi:clocks/system-clock@0.3.0", ImportKind::Interface)],
                Err("'wasi:clocks/system-clock@0.3.0'"),
            ),
            (
                &[("wasi:clocks/wall-clock", ImportKind::Interface)],
                Err("'wasi:clocks/wall-clock'"),
            ),
            (
                &[wasi, ("my:db/query@0.2.0", ImportKind::Interface)],
                Err("'my:db/query@0.2.0'"),
            ),
            (&[("flow-rt", ImportKind::Interface)], Err("'flow-rt'")),
            (&[("log", ImportKind::Other)], Err("'log'")),
        ];
        for (imports, wanted) in cases {
            match (of(&surface(imports, Some("d1"))), wanted) {
                (Ok(got), Ok(wanted)) => assert_eq!(got, wanted, "{imports:?}"),
                (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{imports:?}: {error}"),
                (got, wanted) => panic!("{imports:?}: {got:?}, wanted {wanted:?}"),
            }
        }
        assert!(of(&surface(&[runtime], None)).is_err(), "a runtime without its digest");
    }

    #[test]
    fn an_upload_is_refused_with_what_is_wrong() {
        let runtime = flowgate_compiler::runtime().unwrap();
        let shell: &[u8] = include_bytes!("../../../flows-compiler/assets/flow-rt.wasm");
        let cases: [(&[u8], &str); 4] = [
            (b"{}", "not a WebAssembly component"),
            (&runtime.core, "a core module, not a component"),
            (&shell[..shell.len() - 1], "not valid"),
            (
                &vec![0; (4 << 20) + 1],
                "at most 4194304 bytes are allowed for its kind (bundles.max_component_bytes)",
            ),
        ];
        let most = MaxBytes {
            component: 4 << 20,
            wasi: 64 << 10,
            function: 64 << 10,
            wasi_function: 64 << 10,
        };
        for (bytes, wanted) in cases {
            let error = check(bytes, &most).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        }
        assert_eq!(check(shell, &MaxBytes { wasi: 4 << 20, ..most }).unwrap(), Imports::Nothing);
        let small = MaxBytes {
            function: 1000,
            wasi: 4 << 20,
            ..most
        };
        let error = check(shell, &small).unwrap_err().to_string();
        assert!(error.contains("bundles.max_function_bytes"), "{error}");
        // An empty component is valid, but no flow.
        let error = check(b"\0asm\x0d\0\x01\0", &most).unwrap_err().to_string();
        assert!(error.contains("does not export 'flowgate:flow/workflow@0.1.0'"), "{error}");
    }
}
