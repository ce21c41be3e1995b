//! File nodes: what flows read and write in their run's workspace (language section 5.8).
//!
//! Each handler finds the run's [`Scope`] by the variables that the host keeps for the run, never by anything in the request, and does its
//! work where no other run waits for the disk. A call that is made again after a crash comes to the same result: reads change nothing, and a
//! write puts the same bytes in the same place.

mod artifacts;
mod list;
mod read;
mod write;

use std::sync::Arc;

use flow_rt::json;
use flow_rt::value::{Map, Value};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::value::RawValue;

use artifacts::{Artifacts, Export, Import};

use super::payload::Fields;
use super::{Call, Handler, Handlers};
use crate::artifacts::Store;
use crate::record::Json;
use crate::workspace::{Error, Found, Scope, Workspaces};

/// What one kind of node does. The error is a text for people and fails the node.
type Work = fn(&Files<'_>) -> Result<Map, String>;

/// `handlers` and those of nodes that work on files.
pub fn with_files(handlers: Handlers, workspaces: &Workspaces, store: &Store) -> Handlers {
    let artifacts = Artifacts {
        workspaces: workspaces.clone(),
        store: store.clone(),
    };
    let handlers = handlers
        .with("import_workspace_file", Arc::new(Import(artifacts.clone())))
        .with("export_artifact", Arc::new(Export(artifacts)));
    let kinds: [(&str, Work); 3] = [
        ("read_file", read::read_file),
        ("write_file", write::write_file),
        ("list_folder_files", list::list_folder_files),
    ];
    kinds.into_iter().fold(handlers, |handlers, (kind, work)| {
        let node = Node {
            workspaces: workspaces.clone(),
            work,
            store: (kind == "write_file").then(|| store.clone()),
        };
        handlers.with(kind, Arc::new(node))
    })
}

struct Node {
    workspaces: Workspaces,
    work: Work,
    /// Of a node that writes: what it writes counts together with what the store keeps.
    store: Option<Store>,
}

impl Handler for Node {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Json, String>> {
        let (workspaces, work, store) = (self.workspaces.clone(), self.work, self.store.clone());
        let done = async move {
            if let Some(store) = store {
                store
                    .stored_bytes(call.tenant)
                    .await
                    .map_err(|error| format!("{}: {error}", call.kind))?;
            }
            blocking(move || result(work(&Files::of(&workspaces, &call)?)?)).await
        };
        done.boxed()
    }
}

/// Does what waits for the disk where no run waits for it.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err("the host failed at this file".to_owned()))
}

/// One call, with the files that its run may reach.
struct Files<'a> {
    call: &'a Call,
    fields: Fields<'a>,
    scope: Scope,
}

impl<'a> Files<'a> {
    fn of(workspaces: &Workspaces, call: &'a Call) -> Result<Self, String> {
        let scope = workspaces.of(call.tenant).run(&call.host_vars);
        Ok(Files {
            scope: scope.map_err(|error| rejected(&call.kind, &error))?,
            fields: Fields::of(&call.payload),
            call,
        })
    }

    /// The path of a pin, and what it names.
    fn find(&self, pin: &str) -> Result<(String, Found), String> {
        let kind = &self.call.kind;
        let path = self
            .fields
            .name(pin)
            .ok_or_else(|| format!("{kind} requires a non-empty '{pin}' input."))?;
        let found = self.scope.find(&path).map_err(|error| rejected(kind, &error))?;
        if found.is_withheld() {
            return Err(rejected(kind, &Error::Ignored));
        }
        Ok((path, found))
    }

    /// The bytes of the file that `path` named.
    fn read(&self, path: &str, found: &Found) -> Result<Vec<u8>, String> {
        self.scope.read(found).map_err(|error| match error {
            Error::NotFound => format!("File not found: {path}"),
            Error::NotAFile => format!("Not a file: {path}"),
            Error::TooLarge { .. } => format!("Cannot read '{path}': {error}"),
            other => rejected(&self.call.kind, &other),
        })
    }
}

fn rejected(kind: &str, error: &Error) -> String {
    match error {
        Error::Io(_) => format!("{kind}: {error}"),
        other => format!("{kind} path rejected by workspace policy: {other}"),
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map {
    fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
}

fn result(fields: Map) -> Result<Json, String> {
    let text = json::to_string(&Value::dict(fields)).map_err(|error| format!("the result is no JSON: {error}"))?;
    RawValue::from_string(text).map_err(|error| format!("the result is no JSON: {error}"))
}

/// JSON as people read it: two spaces a level, everything but ASCII as it is.
fn indented(value: &Value) -> Result<String, String> {
    let style = json::Style {
        indent: Some(2),
        ..json::Style::PYTHON
    };
    let mut text = String::new();
    json::write_styled(&mut text, value, &style).map_err(|error| error.to_string())?;
    Ok(text)
}
