//! Files of the run's workspace, and artifacts. Every call leaves the host and is in the ledger.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::effect::{As, Effect, Kind, parse};
use crate::kinds::users::plain;
use crate::{Json, null};

/// `read_file`: answers the file's text.
pub struct ReadFile;

#[derive(Deserialize)]
struct Content {
    #[serde(default = "null")]
    content: Json,
}

impl Effect<ReadFile> {
    /// The content of a JSON file.
    pub fn json<T: DeserializeOwned>(self) -> Effect<JsonFile<T>> {
        self.read_as(JsonFile(std::marker::PhantomData))
    }
}

impl Kind for ReadFile {
    type Answer = String;

    fn read(&self, result: Option<&str>) -> Result<String, String> {
        parse::<Content>(result.unwrap_or("null")).map(|file| plain(file.content.get()))
    }
}

/// `read_file` of JSON. The host parses what is JSON by the file's name or looks.
pub struct JsonFile<T>(std::marker::PhantomData<fn() -> T>);

impl<T: DeserializeOwned> Kind for JsonFile<T> {
    type Answer = T;

    fn read(&self, result: Option<&str>) -> Result<T, String> {
        let file: Content = parse(result.unwrap_or("null"))?;
        parse(file.content.get())
    }
}

/// A file that was written.
#[derive(Debug, Clone, Deserialize)]
pub struct Written {
    pub bytes: u64,
    pub file_path: String,
}

/// `list_folder_files`.
pub struct ListFolder;

/// What a folder holds.
#[derive(Debug, Clone, Deserialize)]
pub struct Listing {
    pub files: Vec<String>,
    pub count: u64,
    pub truncated: bool,
    pub folder_path: String,
}

impl Effect<ListFolder> {
    pub fn recursive(self) -> Self {
        self.set("recursive", &true)
    }

    /// Only files with one of these endings (`md`, `txt` …).
    pub fn extensions<S: AsRef<str>>(self, extensions: impl IntoIterator<Item = S>) -> Self {
        let extensions: Vec<String> = extensions.into_iter().map(|e| e.as_ref().to_owned()).collect();
        self.set("extensions", &extensions)
    }

    /// 500 without this.
    pub fn limit(self, files: u64) -> Self {
        self.set("limit", &files)
    }
}

impl Kind for ListFolder {
    type Answer = Listing;

    fn read(&self, result: Option<&str>) -> Result<Listing, String> {
        parse(result.unwrap_or("null"))
    }
}

/// An artifact: its id, or what an effect gave.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Artifact {
    #[serde(rename = "$artifact", alias = "artifact_id")]
    pub id: String,
}

impl Artifact {
    pub fn new(id: impl Into<String>) -> Self {
        Artifact { id: id.into() }
    }
}

/// `import_workspace_file`: answers the artifact.
pub struct ImportFile;

impl Effect<ImportFile> {
    pub fn content_type(self, content_type: &str) -> Self {
        self.set("content_type", content_type)
    }
}

impl Kind for ImportFile {
    type Answer = Artifact;

    fn read(&self, result: Option<&str>) -> Result<Artifact, String> {
        #[derive(Deserialize)]
        struct Imported {
            artifact_id: String,
        }
        parse::<Imported>(result.unwrap_or("null")).map(|imported| Artifact::new(imported.artifact_id))
    }
}

/// `read_artifact`: answers its text.
pub struct ReadArtifact;

impl Effect<ReadArtifact> {
    /// Everything that the host tells of it: `{text, json, binary_base64, content_type, size_bytes, truncated …}`.
    pub fn content<T: DeserializeOwned>(self) -> Effect<As<T>> {
        self.read_as(As::new())
    }
}

impl Kind for ReadArtifact {
    type Answer = String;

    fn read(&self, result: Option<&str>) -> Result<String, String> {
        #[derive(Deserialize)]
        struct Told {
            #[serde(default)]
            text: String,
            #[serde(default)]
            is_binary: bool,
        }
        let told: Told = parse(result.unwrap_or("null"))?;
        match told.is_binary {
            true => Err("the artifact is no text".to_owned()),
            false => Ok(told.text),
        }
    }
}
