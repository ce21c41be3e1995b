//! The non-empty matches of a pattern.
//!
//! Behind an empty match Python looks for one at the same place that is not empty, before it moves on. A matcher gives only the match
//! that the pattern prefers; where that may be the empty one, a second pattern is made that matches in all other ways, in their order.

use super::syntax::Node;

/// The ways in which a part of a pattern may match, in the order of preference.
pub(super) struct Ways {
    empty: bool,
    some: bool,
    /// An empty way comes before one that is not.
    pub(super) empty_first: bool,
}

impl Ways {
    pub(super) fn of(node: &Node) -> Ways {
        let ways = |empty, some, empty_first| Ways {
            empty,
            some,
            empty_first,
        };
        match node {
            Node::Char(_) | Node::Any { .. } | Node::Set { .. } => ways(false, true, false),
            Node::Start { .. } | Node::End { .. } | Node::VeryEnd | Node::Boundary { .. } => ways(true, false, false),
            Node::Group { node, .. } | Node::Case { node, .. } => Ways::of(node),
            Node::Repeat { node, min, greedy, .. } => {
                let inner = Ways::of(node);
                let empty = *min == 0 || inner.empty;
                ways(empty, inner.some, empty && inner.some && (!greedy || inner.empty_first))
            }
            Node::Sequence(nodes) => nodes.iter().map(Ways::of).fold(ways(true, false, false), |all, next| {
                let empty = all.empty && next.empty;
                ways(empty, all.some || next.some, empty && (all.empty_first || next.empty_first))
            }),
            Node::Choice(nodes) => nodes.iter().map(Ways::of).fold(ways(false, false, false), |all, next| Ways {
                empty_first: all.empty_first || next.empty_first || (all.empty && next.some),
                empty: all.empty || next.empty,
                some: all.some || next.some,
            }),
        }
    }
}

/// A part of a pattern, restricted to its ways that match something (`some`) or to those that match nothing.
struct Segment {
    some: bool,
    node: Node,
}

/// Beyond so many the pattern is too large to be taken apart.
const MAX_SEGMENTS: usize = 64;

/// The pattern without its empty ways. `None`: it has no others, or too many.
pub(super) fn solid(node: &Node) -> Option<Node> {
    let mut ways: Vec<Node> = (segments(node)?.into_iter())
        .filter(|segment| segment.some)
        .map(|segment| segment.node)
        .collect();
    match ways.len() {
        0 => None,
        1 => ways.pop(),
        _ => Some(group(Node::Choice(ways))),
    }
}

fn group(node: Node) -> Node {
    Node::Group {
        number: None,
        node: Box::new(node),
    }
}

fn nothing() -> Node {
    Node::Sequence(Vec::new())
}

/// The ways of a node in the order of preference.
fn segments(node: &Node) -> Option<Vec<Segment>> {
    let ways = Ways::of(node);
    if !(ways.empty && ways.some) {
        return Some(vec![Segment {
            some: ways.some,
            node: node.clone(),
        }]);
    }
    let found = match node {
        Node::Group { number, node } => wrapped(node, |node| Node::Group {
            number: *number,
            node: Box::new(node),
        })?,
        Node::Case { ignored, node } => wrapped(node, |node| {
            group(Node::Case {
                ignored: *ignored,
                node: Box::new(node),
            })
        })?,
        Node::Choice(branches) => {
            let mut found = Vec::new();
            for branch in branches {
                found.extend(segments(branch)?);
            }
            found
        }
        Node::Sequence(nodes) => sequence(nodes)?,
        Node::Repeat { node, min, max, greedy } => {
            let mut found = if *max == Some(1) {
                segments(node)?
            } else {
                vec![Segment {
                    some: true,
                    node: Node::Repeat {
                        node: Box::new(solid(node)?),
                        min: 1,
                        max: *max,
                        greedy: *greedy,
                    },
                }]
            };
            if *min == 0 || *max != Some(1) {
                // Iterations that match nothing still have their assertions.
                let empty = if *min == 0 { Some(nothing()) } else { hollow(node)? };
                let empty = empty.map(|node| Segment { some: false, node });
                let at = if *greedy { found.len() } else { 0 };
                if let Some(empty) = empty {
                    found.insert(at, empty);
                }
            }
            found
        }
        other => vec![Segment {
            some: ways.some,
            node: other.clone(),
        }],
    };
    (found.len() <= MAX_SEGMENTS).then_some(found)
}

fn wrapped(node: &Node, wrap: impl Fn(Node) -> Node) -> Option<Vec<Segment>> {
    let inner = segments(node)?.into_iter();
    Some(
        inner
            .map(|segment| Segment {
                some: segment.some,
                node: wrap(segment.node),
            })
            .collect(),
    )
}

/// The empty ways of a node, if it has any.
fn hollow(node: &Node) -> Option<Option<Node>> {
    let ways: Vec<Node> = (segments(node)?.into_iter())
        .filter(|segment| !segment.some)
        .map(|segment| segment.node)
        .collect();
    Some((!ways.is_empty()).then(|| group(Node::Choice(ways))))
}

fn sequence(nodes: &[Node]) -> Option<Vec<Segment>> {
    let Some((first, rest)) = nodes.split_first() else {
        return Some(vec![Segment {
            some: false,
            node: nothing(),
        }]);
    };
    let mut found = Vec::new();
    for head in segments(first)? {
        let tails = if head.some {
            vec![Segment {
                some: true,
                node: Node::Sequence(rest.to_vec()),
            }]
        } else {
            sequence(rest)?
        };
        for tail in tails {
            found.push(Segment {
                some: head.some || tail.some,
                node: Node::Sequence(vec![group(head.node.clone()), group(tail.node)]),
            });
        }
        if found.len() > MAX_SEGMENTS {
            return None;
        }
    }
    Some(found)
}
