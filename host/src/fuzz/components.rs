//! Components that clients send: any bytes are refused with what is wrong with them, or run within their limits.

use flowgate_compiler::Link;

use super::lab::{Lab, checked, compile};
use super::{Dice, check, mutate, seeds};

/// Larger ones are checked, not compiled: that takes a second each in an unoptimised build.
const COMPILED: usize = 16 << 10;

#[test]
fn a_component_is_refused_or_runs() {
    let lab = Lab::new(1);
    let mut seeds: Vec<Vec<u8>> = seeds::flows()
        .iter()
        .step_by(17)
        .filter_map(|seed| compile(seed.document.to_string().as_bytes(), Link::Shared).ok())
        .map(|made| made.bytes)
        .collect();
    seeds.push(std::fs::read(seeds::folder("examples/guests/approve/approve.wasm")).unwrap());
    check!(800, |dice: &mut Dice<'_>| {
        let bytes = mutated(dice, &seeds);
        if let Err(error) = checked(&bytes) {
            assert!(!error.to_string().trim().is_empty());
            return false;
        }
        if bytes.len() > COMPILED {
            return true;
        }
        // Whatever it does, it is told and nothing of the host ends.
        let Ok(program) = lab.load(&bytes) else { return true };
        let Ok(mut live) = lab.live(&program) else { return true };
        if let Err(stop) = lab.start(&mut live, "start", "{}") {
            assert!(!stop.to_string().is_empty());
        }
        true
    });
}

/// One of the seeds, changed.
fn mutated(dice: &mut Dice<'_>, seeds: &[Vec<u8>]) -> Vec<u8> {
    let seed = dice.pick(seeds).clone();
    match dice.once_in(4) {
        true => mutate::bytes(dice, seed),
        false => mutate::in_place(dice, seed),
    }
}
