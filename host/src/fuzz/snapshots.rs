//! States of flows: any bytes are refused with what is wrong with them, or give a run that goes on or fails.

use serde_json::Value;

use super::lab::{Lab, Made, compile, limit, next, outcome};
use super::{Dice, Shown, check, mutate, seeds};
use crate::sandbox::world::{Event, Progress, Resolution};
use flowgate_compiler::Link;

/// A flow that waits, and the state that it wrote then.
struct Waiting {
    made: Made,
    state: Value,
    /// The request that it waits for.
    effect: u64,
}

/// Flows of the recorded cases that wait, each at its first or second wait.
fn waiting(lab: &Lab) -> Vec<Waiting> {
    let mut found = Vec::new();
    for (at, seed) in seeds::flows().iter().enumerate().step_by(9) {
        let Ok(made) = compile(seed.document.to_string().as_bytes(), Link::Shared) else {
            continue;
        };
        let program = lab.load(&made.bytes).unwrap();
        let mut live = lab.live(&program).unwrap();
        let mut progress = lab.start(&mut live, &made.entry, &seed.input);
        if at % 2 == 1 {
            let answered = progress.ok().and_then(|progress| next(&mut Dice(&[2, 11]), progress));
            let Some(event) = answered else { continue };
            progress = lab.tick(&mut live, &event);
        }
        let Ok(Progress::Blocked(blocked)) = progress else { continue };
        let state = lab.snapshot(&mut live).unwrap().unwrap();
        found.push(Waiting {
            made,
            state: serde_json::from_slice(&state).unwrap(),
            effect: blocked.effects[0].id,
        });
    }
    found
}

/// What must hold of any bytes as the state of a flow.
fn restore(lab: &Lab, dice: &mut Dice<'_>, flow: &Waiting, state: &[u8]) -> bool {
    let program = lab.load(&flow.made.bytes).unwrap();
    let mut live = lab.live(&program).unwrap();
    match lab.restore(&mut live, state) {
        Err(stop) => {
            limit(&stop);
            return false;
        }
        Ok(Err(text)) => {
            assert!(!text.trim().is_empty());
            return false;
        }
        Ok(Ok(())) => {}
    }
    let answer = Resolution {
        id: flow.effect,
        outcome: outcome(dice),
    };
    let event = match dice.below(4) {
        0 => Event::Continue,
        _ => Event::Resolved(vec![answer]),
    };
    match lab.tick(&mut live, &event) {
        Err(stop) => limit(&stop),
        // What it writes now, it can read.
        Ok(_) => {
            if let Ok(Some(state)) = lab.snapshot(&mut live) {
                let mut again = lab.live(&program).unwrap();
                let restored = lab.restore(&mut again, &state);
                assert!(
                    !matches!(restored, Ok(Err(_))),
                    "{restored:?}: {}",
                    String::from_utf8_lossy(&state)
                );
            }
        }
    }
    true
}

#[test]
fn a_state_is_refused_or_the_run_goes_on_or_fails() {
    let lab = Lab::new(1000);
    let flows = waiting(&lab);
    assert!(flows.len() > 8, "{}", flows.len());
    check!(600, |dice: &mut Dice<'_>| {
        let flow = dice.pick(&flows);
        let state = match dice.once_in(6) {
            true => mutate::bytes(dice, flow.state.to_string().into_bytes()),
            false => mutate::json(dice, flow.state.clone()).into_bytes(),
        };
        let _shown = Shown("the state", &String::from_utf8_lossy(&state).into_owned());
        restore(&lab, dice, flow, &state)
    });
}

/// Counted on from the largest number there is, an effect had a number that the next state could not hold.
#[test]
fn a_count_at_its_end_is_refused() {
    let lab = Lab::new(1);
    let mut flow = waiting(&lab).swap_remove(0);
    flow.state["next_effect"] = i64::MAX.into();
    let program = lab.load(&flow.made.bytes).unwrap();
    let mut live = lab.live(&program).unwrap();
    let refused = lab.restore(&mut live, flow.state.to_string().as_bytes()).unwrap();
    assert_eq!(
        refused,
        Err("'next_effect' is not a natural number up to 9007199254740992".to_owned())
    );
}
