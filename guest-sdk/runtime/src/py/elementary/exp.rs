//! Exponentials and powers.

use super::double::{Double, product, quick_sum, sum};
use super::log::ln_double;
use super::tables::POWERS;

/// `e` to the power of a number in two parts, of not more than 746 in size.
pub(super) fn exp_double(x: Double) -> f64 {
    const PER_STEP: f64 = 92.332_482_616_893_66;
    // ln(2) / 64: the first part times a step's number is exact.
    const STEP: [f64; 3] = [
        f64::from_bits(0x3f86_2e42_ff00_0000),
        f64::from_bits(0xbd67_1843_2a20_0000),
        f64::from_bits(0x3b43_c767_3007_e5ed),
    ];
    let k = (x.high * PER_STEP).round_ties_even();
    let reduced = sum(x.high - k * STEP[0], -(k * STEP[1]));
    let r = reduced.high;
    let rest = reduced.low + (x.low - k * STEP[2]);
    // What comes behind 1 + r in the series.
    let series =
        rest + rest * r + r * r * (0.5 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r / 5040.0)))));
    let behind_one = sum(r, series);
    let k = k as i64;
    let (high, low) = POWERS.get((k & 63) as usize).copied().unwrap_or_default();
    let power = Double::of(high, low);
    let part = product(power.high, behind_one.high);
    let total = quick_sum(power.high, part.high);
    let low = total.low + (part.low + power.low + power.high * behind_one.low + power.low * behind_one.high);
    scaled(total.high + low, k >> 6)
}

/// `x * 2^exponent`
fn scaled(x: f64, exponent: i64) -> f64 {
    let power = |exponent: i64| f64::from_bits(((1023 + exponent) as u64) << 52);
    if exponent > 1023 {
        x * power(1023) * power(exponent - 1023)
    } else if exponent < -1022 {
        x * power(exponent + 200) * power(-200)
    } else {
        x * power(exponent)
    }
}

pub fn exp(x: f64) -> f64 {
    if !(-745.2..709.8).contains(&x) || x.abs() < 1e-18 {
        return x.exp();
    }
    exp_double(Double::exact(x))
}

pub fn exp2(x: f64) -> f64 {
    const LN2: Double = Double::of(0x3fe6_2e42_fefa_39ef, 0x3c7a_bc9e_3b39_803f);
    if !(-1075.0..1024.0).contains(&x) || x.abs() < 1e-18 {
        return x.exp2();
    }
    let whole = x.round_ties_even();
    let part = x - whole;
    scaled(exp_double(LN2.times(Double::exact(part))), whole as i64)
}

/// `x` to the power of `y`.
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 2.0 {
        return x * x;
    }
    let is_whole = y == y.trunc();
    let special = !x.is_finite() || x == 0.0 || x == 1.0 || (x < 0.0 && !is_whole);
    // Beyond these bounds results are 0, 1 or infinite, or no number.
    if special || !(1e-100..1e18).contains(&y.abs()) {
        return x.powf(y);
    }
    if y == 1.0 {
        return x;
    }
    if y == 0.5 {
        return x.sqrt();
    }
    let negative = x < 0.0 && y.abs() < 9_007_199_254_740_992.0 && y % 2.0 != 0.0;
    let log = ln_double(x.abs());
    let p = product(y, log.high);
    let exponent = quick_sum(p.high, p.low + y * log.low);
    let size = if exponent.high > 709.8 {
        f64::INFINITY
    } else if exponent.high < -745.2 {
        0.0
    } else {
        exp_double(exponent)
    };
    if negative { -size } else { size }
}
