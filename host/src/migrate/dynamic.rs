//! Workflows that the gateway made itself: the wrappers of schedules, `dynamic_flows/*.json`.
//!
//! A wrapper has the nodes and the variables of ours, so its run goes on where it stood. What is added is that its interval is read from
//! the run's variables, as `update_schedule` wants it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::files::{names, unreadable};
use super::{Error, Migration};
use crate::journal::DynamicWorkflow;
use crate::record::Json;
use crate::schedules::wrapper;

/// Where the documents are, by workflow id.
#[derive(Debug, Default)]
pub struct Dynamic(HashMap<String, PathBuf>);

impl Dynamic {
    pub fn open(dir: &Path) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Head {
            id: String,
        }
        let mut found = HashMap::new();
        for path in names(&dir.join("dynamic_flows"), ".json")? {
            let text = std::fs::read(&path).map_err(|e| unreadable(&path, e))?;
            let head: Head = serde_json::from_slice(&text).map_err(|e| unreadable(&path, e))?;
            found.insert(head.id, path);
        }
        Ok(Dynamic(found))
    }

    fn document(&self, workflow_id: &str) -> Result<Option<Json>, Error> {
        let Some(path) = self.0.get(workflow_id) else {
            return Ok(None);
        };
        let text = std::fs::read(path).map_err(|e| unreadable(path, e))?;
        serde_json::from_slice(&text).map(Some).map_err(|e| unreadable(path, e))
    }
}

impl Migration<'_> {
    /// The workflow of a schedule's run, compiled; None: there is no document of that id. The inner error says why the run cannot go on.
    pub(super) async fn wrapper(
        &self,
        dynamic: &Dynamic,
        workflow_id: &str,
    ) -> Result<Option<Result<DynamicWorkflow, String>>, Error> {
        let Some(document) = dynamic.document(workflow_id)? else {
            return Ok(None);
        };
        let Some((document, target)) = wrapper::adopted(&document) else {
            return Ok(Some(Err(format!("its workflow '{workflow_id}' is not that of a schedule"))));
        };
        if self.registry.find_workflow(self.tenant, &target).await.is_none() {
            let text = format!("it has not ended, and the workflow '{target}' that it runs is not installed here");
            return Ok(Some(Err(text)));
        }
        let compiled = self.registry.compile_document(self.tenant, document.clone()).await;
        let compiled = compiled.map_err(|error| error.to_string());
        Ok(Some(compiled.map(|(component, entry)| DynamicWorkflow {
            tenant: self.tenant,
            workflow_id: workflow_id.to_owned(),
            document,
            component,
            entry,
        })))
    }
}
