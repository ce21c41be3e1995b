//! Logarithms.

use super::double::{Double, product, quick_sum, sum};
use super::tables::LOGARITHMS;

/// The natural logarithm of a positive finite number, in two parts.
pub(super) fn ln_double(x: f64) -> Double {
    // ln(2): the first part times an exponent is exact.
    const LN2: [f64; 2] = [f64::from_bits(0x3fe6_2e42_fefa_4000), f64::from_bits(0xbd48_432a_1b0e_2634)];
    let (x, below) = if x < f64::MIN_POSITIVE {
        (x * 18_014_398_509_481_984.0, 54)
    } else {
        (x, 0)
    };
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) as i64) - 1023 - below;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if m > 1.416 {
        m *= 0.5;
        exponent += 1;
    }
    let at = (m * 128.0).round_ties_even() as usize;
    let (inverse, high, low) = LOGARITHMS.get(at.wrapping_sub(90)).copied().unwrap_or_default();
    let log = Double::of(high, low);
    let near_one = product(m, f64::from_bits(inverse));
    let reduced = sum(near_one.high - 1.0, near_one.low);
    let (r, rest) = (reduced.high, reduced.low);
    let square = product(r, r);
    // From r^3 on; ordinary precision is enough there.
    let mut series = 0.0;
    for n in (3..=11).rev() {
        let sign = if n % 2 == 1 { 1.0 } else { -1.0 };
        series = series * r + sign / f64::from(n);
    }
    series *= square.high * r;
    let k = exponent as f64;
    let first = sum(k * LN2[0], log.high);
    let second = sum(first.high, r);
    let third = sum(second.high, -0.5 * square.high);
    let low =
        (first.low + second.low + third.low) + (k * LN2[1] + log.low) + (rest * (1.0 - r + r * r) - 0.5 * square.low + series);
    quick_sum(third.high, low)
}

fn is_ordinary(x: f64) -> bool {
    x > 0.0 && x < f64::INFINITY
}

/// The natural logarithm.
pub fn ln(x: f64) -> f64 {
    if is_ordinary(x) { ln_double(x).value() } else { x.ln() }
}

pub fn log2(x: f64) -> f64 {
    const PER_LN2: Double = Double::of(0x3ff7_1547_652b_82fe, 0x3c77_77d0_ffda_0d24);
    if !is_ordinary(x) {
        return x.log2();
    }
    // The exponent apart, so that powers of two are exact.
    let (x, below) = if x < f64::MIN_POSITIVE {
        (x * 18_014_398_509_481_984.0, 54)
    } else {
        (x, 0)
    };
    let bits = x.to_bits();
    let mut exponent = ((bits >> 52) as i64) - 1023 - below;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if m > 1.416 {
        m *= 0.5;
        exponent += 1;
    }
    let fraction = ln_double(m).times(PER_LN2);
    Double::exact(exponent as f64).plus(fraction).value()
}

/// The C library's way, which is not always the nearest float: from the natural logarithm of the mantissa.
pub fn log10(x: f64) -> f64 {
    const LOG10_2: [f64; 2] = [f64::from_bits(0x3fd3_4413_509f_6000), f64::from_bits(0x3d59_fef3_11f1_2b36)];
    if !is_ordinary(x) {
        return x.log10();
    }
    let (x, below) = if x < f64::MIN_POSITIVE {
        (x * 18_014_398_509_481_984.0, 54)
    } else {
        (x, 0)
    };
    let bits = x.to_bits();
    let exponent = ((bits >> 52) as i64) - 1023 - below;
    let up = i64::from(exponent < 0);
    let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (((1023 - up) as u64) << 52));
    let y = (exponent + up) as f64;
    y * LOG10_2[1] + std::f64::consts::LOG10_E * ln(m) + y * LOG10_2[0]
}
