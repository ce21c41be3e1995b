//! The order of a function's blocks: reverse postorder, dominators, and which blocks need a label.

use crate::python::mir::{BlockId, End, Function};

/// What structured emission must know of the blocks that are reached.
#[derive(Debug)]
pub struct Order {
    /// Place of each block in reverse postorder; `usize::MAX` when it is never reached.
    pub place: Vec<usize>,
    /// True for a block that is the target of a jump backwards.
    pub header: Vec<bool>,
    /// True for a block that is jumped to from several places, or from within an operation.
    pub merge: Vec<bool>,
    /// Merge blocks that each block immediately dominates, the last in order first.
    pub follow: Vec<Vec<BlockId>>,
}

impl Order {
    /// `None` when a loop of the graph has two entries.
    pub fn of(function: &Function) -> Option<Order> {
        let count = function.blocks.len();
        let sequence = postorder(function);
        let mut place = vec![usize::MAX; count];
        for (at, block) in sequence.iter().rev().enumerate() {
            place[*block as usize] = at;
        }
        let order: Vec<BlockId> = sequence.into_iter().rev().collect();
        let mut predecessors: Vec<Vec<BlockId>> = vec![Vec::new(); count];
        let (mut header, mut merge) = (vec![false; count], vec![false; count]);
        for block in &order {
            let node = &function.blocks[*block as usize];
            let mut edge = |target: BlockId, labelled: bool| {
                let to = target as usize;
                if place[to] <= place[*block as usize] {
                    header[to] = true;
                } else if labelled || predecessors[to].iter().any(|p| place[*p as usize] < place[to]) {
                    merge[to] = true;
                }
                predecessors[to].push(*block);
            };
            let table = matches!(node.end, End::Switch { .. });
            successors(&node.end, |target| edge(target, table));
            if let Some(target) = node.unwind {
                edge(target, true);
            }
        }
        let parent = dominators(&order, &place, &predecessors);
        for block in &order {
            let to = *block as usize;
            let back = predecessors[to].iter().filter(|p| place[**p as usize] >= place[to]);
            for from in back {
                if !dominates(&parent, to, *from as usize) {
                    return None;
                }
            }
        }
        let mut follow: Vec<Vec<BlockId>> = vec![Vec::new(); count];
        for block in order.iter().rev() {
            if merge[*block as usize] && place[*block as usize] != 0 {
                follow[parent[*block as usize]].push(*block);
            }
        }
        Some(Order {
            place,
            header,
            merge,
            follow,
        })
    }
}

/// Calls `visit` with each block that may come next, the exceptional one aside.
pub fn successors(end: &End, mut visit: impl FnMut(BlockId)) {
    match end {
        End::Jump(to) | End::Yield { resume: to } => visit(*to),
        End::Truth { then, otherwise, .. } | End::Compare { then, otherwise, .. } | End::Test { then, otherwise, .. } => {
            visit(*then);
            visit(*otherwise);
        }
        End::Next { body, done, .. } | End::Range { body, done, .. } => {
            visit(*body);
            visit(*done);
        }
        End::Switch { targets, .. } => targets.iter().for_each(|to| visit(*to)),
        End::Return | End::Raise => {}
    }
}

fn postorder(function: &Function) -> Vec<BlockId> {
    let mut seen = vec![false; function.blocks.len()];
    let mut done = Vec::with_capacity(seen.len());
    // An explicit stack: a program may have more blocks than the host's stack has room.
    let mut stack: Vec<(BlockId, Vec<BlockId>)> = Vec::new();
    let next_of = |block: BlockId| {
        let node = &function.blocks[block as usize];
        let mut next: Vec<BlockId> = node.unwind.into_iter().collect();
        successors(&node.end, |to| next.push(to));
        // The last pushed is visited first, so that a loop's body comes before what follows the loop.
        next.reverse();
        next
    };
    if let Some(first) = seen.first_mut() {
        *first = true;
        stack.push((0, next_of(0)));
    }
    while let Some((block, rest)) = stack.last_mut() {
        match rest.pop() {
            Some(to) if seen.get(to as usize) == Some(&false) => {
                seen[to as usize] = true;
                stack.push((to, next_of(to)));
            }
            Some(_) => {}
            None => {
                done.push(*block);
                stack.pop();
            }
        }
    }
    done
}

/// Immediate dominators (Cooper, Harvey and Kennedy: "A Simple, Fast Dominance Algorithm").
fn dominators(order: &[BlockId], place: &[usize], predecessors: &[Vec<BlockId>]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let mut parent = vec![NONE; place.len()];
    let Some(entry) = order.first().map(|b| *b as usize) else {
        return parent;
    };
    parent[entry] = entry;
    let mut changed = true;
    while changed {
        changed = false;
        for block in &order[1..] {
            let block = *block as usize;
            let mut best = NONE;
            for from in predecessors[block].iter().map(|p| *p as usize).filter(|p| parent[*p] != NONE) {
                if best == NONE {
                    best = from;
                    continue;
                }
                let mut other = from;
                while best != other {
                    while place[best] > place[other] {
                        best = parent[best];
                    }
                    while place[other] > place[best] {
                        other = parent[other];
                    }
                }
            }
            if best != NONE && parent[block] != best {
                parent[block] = best;
                changed = true;
            }
        }
    }
    parent
}

fn dominates(parent: &[usize], above: usize, mut below: usize) -> bool {
    loop {
        if below == above {
            return true;
        }
        match parent.get(below) {
            Some(up) if *up != below && *up != usize::MAX => below = *up,
            _ => return false,
        }
    }
}
