//! Functions of angles and their inverses.

use super::double::{Double, product, quick_sum, sum};
use super::tables::{ARCS, CIRCLE};

const HALF_PI: Double = Double::of(0x3ff9_21fb_5444_2d18, 0x3c91_a626_3314_5c07);
const PI: Double = Double::of(0x4009_21fb_5444_2d18, 0x3ca1_a626_3314_5c07);

/// Larger angles are left to the platform, which reduces them with many more digits.
const LARGEST: f64 = 1e5;

/// The nearest multiple of a quarter turn, and what is left of the angle.
fn reduced(x: f64) -> (i64, Double) {
    const PER_QUARTER: f64 = std::f64::consts::FRAC_2_PI;
    const QUARTER: [f64; 4] = [
        f64::from_bits(0x3ff9_21fb_5440_0000),
        f64::from_bits(0x3dd0_b461_1a60_0000),
        f64::from_bits(0x3ba3_198a_2e00_0000),
        f64::from_bits(0x397b_839a_2520_49c1),
    ];
    let k = (x * PER_QUARTER).round_ties_even();
    if k == 0.0 {
        return (0, Double::exact(x));
    }
    // The first three products are exact.
    let first = x - k * QUARTER[0];
    let second = sum(first, -k * QUARTER[1]);
    let third = sum(second.high, -k * QUARTER[2]);
    let low = second.low + third.low - k * QUARTER[3];
    (k as i64, sum(third.high, low))
}

/// Sine and cosine of an angle of up to an eighth of a turn.
fn both(angle: Double) -> (Double, Double) {
    if angle.high < 0.0 {
        let (sine, cosine) = both(angle.negated());
        return (sine.negated(), cosine);
    }
    let at = (angle.high * 32.0).round_ties_even();
    let (a, b, c, d) = CIRCLE.get(at as usize).copied().unwrap_or_default();
    let (sine, cosine) = (Double::of(a, b), Double::of(c, d));
    let t = sum(angle.high - at / 32.0, angle.low);
    let square = t.times(t);
    let s = square.high;
    // sin(t) - t and cos(t) - 1
    let odd = t.high * s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s / 362_880.0)));
    let even = s * s * (1.0 / 24.0 + s * (-1.0 / 720.0 + s * (1.0 / 40_320.0 - s / 3_628_800.0)));
    let small_sine = quick_sum(t.high, t.low + odd);
    let less = quick_sum(-0.5 * s, -0.5 * square.low + even);
    (
        sine.plus(cosine.times(small_sine).plus(sine.times(less))),
        cosine.plus(cosine.times(less).plus(sine.times(small_sine).negated())),
    )
}

pub fn sin(x: f64) -> f64 {
    if x.abs() < 1e-8 || x.abs() > LARGEST || x.is_nan() {
        return x.sin();
    }
    let (quarter, angle) = reduced(x);
    let (sine, cosine) = both(angle);
    match quarter & 3 {
        0 => sine.value(),
        1 => cosine.value(),
        2 => -sine.value(),
        _ => -cosine.value(),
    }
}

pub fn cos(x: f64) -> f64 {
    if x.abs() < 1e-9 || x.abs() > LARGEST || x.is_nan() {
        return x.cos();
    }
    let (quarter, angle) = reduced(x);
    let (sine, cosine) = both(angle);
    match quarter & 3 {
        0 => cosine.value(),
        1 => -sine.value(),
        2 => -cosine.value(),
        _ => sine.value(),
    }
}

pub fn tan(x: f64) -> f64 {
    if x.abs() < 1e-8 || x.abs() > LARGEST || x.is_nan() {
        return x.tan();
    }
    let (quarter, angle) = reduced(x);
    let (sine, cosine) = both(angle);
    match quarter & 1 {
        0 => sine.over(cosine).value(),
        _ => -cosine.over(sine).value(),
    }
}

/// The arc tangent of a number from 0 on.
fn arc(x: Double) -> Double {
    if x.high > 1.0 {
        return HALF_PI.plus(arc(Double::exact(1.0).over(x)).negated());
    }
    let at = (x.high * 32.0).round_ties_even();
    let (high, low) = ARCS.get(at as usize).copied().unwrap_or_default();
    let c = at / 32.0;
    // The tangent of the difference of the two angles.
    let above = sum(x.high - c, x.low);
    let below = Double::exact(1.0).plus(x.times(Double::exact(c)));
    let t = above.over(below);
    let square = product(t.high, t.high).high;
    let series =
        t.high * square * (-1.0 / 3.0 + square * (1.0 / 5.0 + square * (-1.0 / 7.0 + square * (1.0 / 9.0 - square / 11.0))));
    Double::of(high, low).plus(quick_sum(t.high, t.low + series))
}

pub fn atan(x: f64) -> f64 {
    let size = x.abs();
    if !(1e-8..1e18).contains(&size) {
        return x.atan();
    }
    arc(Double::exact(size)).value().copysign(x)
}

pub fn atan2(y: f64, x: f64) -> f64 {
    let ordinary = |x: f64| (1e-100..1e100).contains(&x.abs());
    if !ordinary(x) || !ordinary(y) {
        return y.atan2(x);
    }
    let ratio = y.abs() / x.abs();
    if !(1e-8..1e8).contains(&ratio) {
        return y.atan2(x);
    }
    let angle = arc(Double::exact(y.abs()).over(Double::exact(x.abs())));
    let angle = if x < 0.0 { PI.plus(angle.negated()) } else { angle };
    angle.value().copysign(y)
}

pub fn asin(x: f64) -> f64 {
    let size = x.abs();
    if !(1e-8..1.0).contains(&size) {
        return x.asin();
    }
    arc(Double::exact(size).over(other(size))).value().copysign(x)
}

pub fn acos(x: f64) -> f64 {
    let size = x.abs();
    if !(1e-16..1.0).contains(&size) {
        return x.acos();
    }
    let angle = arc(other(size).over(Double::exact(size)));
    if x < 0.0 {
        PI.plus(angle.negated()).value()
    } else {
        angle.value()
    }
}

/// `sqrt(1 - x * x)`, as a product so that nothing cancels near 1.
fn other(x: f64) -> Double {
    sum(1.0, -x).times(sum(1.0, x)).sqrt()
}
