//! `flowgate pack` of a guest crate: builds its component, asks it what it is, and packs it with the graphs that lie beside it.

use std::path::Path;

use flowgate_compiler::bundle::Limits;

use super::Error;
use crate::bundles::{self, PackedGuest};
use crate::ids::Digest;
use crate::sandbox::{Sandbox, Settings};

/// Whether a folder is a crate that is to be built, not a bundle.
pub fn is_crate(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file() && !folder.join("manifest.json").is_file()
}

/// The `.flow` file of a guest crate. `id` and `version` default to the flow's id and the crate's version.
pub async fn pack(folder: &Path, id: Option<&str>, version: Option<&str>) -> Result<Vec<u8>, Error> {
    let path = folder.to_owned();
    let built = tokio::task::spawn_blocking(move || flowgate_toolchain::build(&path)).await;
    let guest = built.map_err(|error| Error::failed(error.to_string()))?;
    let guest = guest.map_err(|error| Error::failed(format!("{error:#}")))?;
    let flow_id = flow_id(&guest.component).await.map_err(Error::failed)?;
    eprintln!("flow '{flow_id}': a component of {} bytes", guest.component.len());
    let packed = PackedGuest {
        bundle_id: id.unwrap_or(&flow_id),
        version: version.unwrap_or(&guest.version),
        flow_id: &flow_id,
        component: guest.component,
    };
    bundles::pack_guest(packed, &folder.join("flows"), &Limits::default()).map_err(Error::failed)
}

/// What a component says it is, under the limits of a tick.
async fn flow_id(component: &[u8]) -> Result<String, String> {
    let settings = Settings {
        max_live: 1,
        ..Settings::default()
    };
    let sandbox = Sandbox::new(settings).map_err(|e| e.to_string())?;
    let program = sandbox
        .load(Digest::of(component), component, None)
        .map_err(|e| e.to_string())?;
    let mut instance = sandbox.instantiate(&program).await.map_err(|e| e.to_string())?;
    let described = instance.describe().await.map_err(|e| format!("describe: {e}"))?;
    Ok(described.flow_id)
}
