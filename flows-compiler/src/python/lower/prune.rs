//! Leaves out blocks that nothing leads to and blocks that only jump on.

use crate::python::mir::{Block, BlockId, End};

pub(super) fn prune(blocks: Vec<Block>) -> Vec<Block> {
    let targets = arrivals(&blocks);
    let resolve = |at: BlockId| targets.get(at as usize).copied().unwrap_or(at);
    let mut places: Vec<Option<BlockId>> = vec![None; blocks.len()];
    let mut order = Vec::new();
    let mut stack = vec![0];
    while let Some(at) = stack.pop() {
        let (Some(place), Some(block)) = (places.get_mut(at as usize), blocks.get(at as usize)) else {
            continue;
        };
        if place.is_some() {
            continue;
        }
        *place = Some(order.len() as BlockId);
        order.push(at);
        // The unwind target last, so that a function reads in its own order.
        let mut next: Vec<BlockId> = block.unwind.into_iter().collect();
        next.extend(successors(&block.end).rev());
        stack.extend(next.into_iter().map(resolve));
    }
    let place = |at: &mut BlockId| *at = places.get(resolve(*at) as usize).copied().flatten().unwrap_or(0);
    order
        .into_iter()
        .filter_map(|at| blocks.get(at as usize).cloned())
        .map(|mut block| {
            block.unwind.iter_mut().for_each(place);
            targets_mut(&mut block.end).into_iter().for_each(place);
            block
        })
        .collect()
}

/// Where a jump to each block really arrives. A cycle of empty blocks (an endless loop) ends at one of its members.
fn arrivals(blocks: &[Block]) -> Vec<BlockId> {
    let mut known: Vec<Option<BlockId>> = vec![None; blocks.len()];
    for first in 0..blocks.len() {
        let mut path = Vec::new();
        let mut at = first;
        let arrival = loop {
            if let Some(arrival) = known[at] {
                break arrival;
            }
            // Met again on this very path: a cycle, which ends here.
            known[at] = Some(at as BlockId);
            path.push(at);
            match blocks.get(at) {
                Some(Block {
                    ops,
                    end: End::Jump(next),
                    ..
                }) if ops.is_empty() && (*next as usize) < blocks.len() => {
                    at = *next as usize;
                }
                _ => break at as BlockId,
            }
        };
        for at in path {
            known[at] = Some(arrival);
        }
    }
    known
        .into_iter()
        .zip(0..)
        .map(|(arrival, own)| arrival.unwrap_or(own))
        .collect()
}

fn successors(end: &End) -> impl DoubleEndedIterator<Item = BlockId> {
    let mut end = end.clone();
    let targets: Vec<BlockId> = targets_mut(&mut end).into_iter().map(|at| *at).collect();
    targets.into_iter()
}

fn targets_mut(end: &mut End) -> Vec<&mut BlockId> {
    match end {
        End::Jump(to) | End::Yield { resume: to } => vec![to],
        End::Truth { then, otherwise, .. } | End::Compare { then, otherwise, .. } | End::Test { then, otherwise, .. } => {
            vec![then, otherwise]
        }
        End::Next { body, done, .. } | End::Range { body, done, .. } => vec![body, done],
        End::Switch { targets, .. } => targets.iter_mut().collect(),
        End::Return | End::Raise => Vec::new(),
    }
}
