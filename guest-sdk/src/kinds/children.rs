//! Child runs.

use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::effect::{As, Effect, Kind, parse};
use crate::{Json, null};

/// `start_subworkflow`: a child run that is waited for; answers its output as `T`.
///
/// A child that failed or was cancelled, and one whose output says `"success": false` with an `error`, is an error here.
/// [`Effect::run`] gives what it left behind instead.
pub struct Child<T>(PhantomData<fn() -> T>);

/// A child run that has ended, however.
#[derive(Debug, Clone, Deserialize)]
pub struct ChildRun {
    #[serde(rename = "sub_run_id")]
    pub run_id: String,
    #[serde(default = "null")]
    pub output: Json,
}

impl<T> Child<T> {
    pub(crate) fn new() -> Self {
        Child(PhantomData)
    }
}

impl<T: DeserializeOwned> Effect<Child<T>> {
    /// Another session than the run's.
    pub fn session(self, id: &str) -> Self {
        self.set("session_id", id)
    }

    /// The child's run and its output, without judging it.
    pub fn run(self) -> Effect<As<ChildRun>> {
        self.read_as(As::new())
    }
}

impl<T: DeserializeOwned> Kind for Child<T> {
    type Answer = T;

    fn read(&self, result: Option<&str>) -> Result<T, String> {
        #[derive(Deserialize)]
        struct Ending {
            #[serde(default)]
            success: Option<bool>,
            #[serde(default)]
            error: Option<String>,
        }
        let child: ChildRun = parse(result.unwrap_or("null"))?;
        if let Ok(Ending {
            success: Some(false),
            error: Some(error),
        }) = serde_json::from_str(child.output.get())
        {
            return Err(format!("child run {}: {error}", child.run_id));
        }
        serde_json::from_str(child.output.get()).map_err(|error| format!("the output of child run {}: {error}", child.run_id))
    }
}
