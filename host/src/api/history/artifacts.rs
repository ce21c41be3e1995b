//! The artifacts that a history names: what they are, without their bytes.

use super::super::AppState;
use super::super::artifacts::item::Metadata;
use super::super::pieces::Broken;
use crate::ids::{RunId, TenantId};
use crate::journal::{ArtifactFilter, ArtifactPart};
use crate::record::artifact::Artifact;

/// Artifacts that a run or a turn shows at most.
const MOST: usize = 500;

/// The oldest artifacts of these runs, run by run.
pub(super) async fn of(app: &AppState, tenant: TenantId, runs: &[RunId]) -> Result<Vec<Artifact>, Broken> {
    let mut all = Vec::new();
    for run_id in runs {
        let filter = ArtifactFilter {
            run_id: Some(run_id.clone()),
            ..ArtifactFilter::default()
        };
        let part = ArtifactPart {
            oldest_first: true,
            offset: 0,
            limit: u32::try_from(MOST - all.len()).unwrap_or(0),
            after: None,
        };
        all.extend(app.journal.artifacts(tenant, &filter, &part).await?.items);
        if all.len() >= MOST {
            break;
        }
    }
    Ok(all)
}

pub(super) fn shown(artifacts: &[Artifact]) -> Vec<Metadata<'_>> {
    artifacts.iter().map(Metadata::of).collect()
}
