//! What the standard library's floats lack: the error and gamma functions, exact sums, norms, and the parts of a float.

use crate::py::elementary::{cos, exp, ln, pow, sin};
use crate::python::error::{Py, overflow_error, value_error};

/// The fraction in [0.5, 1) and the power of two whose product is `x`.
pub(super) fn frexp(x: f64) -> (f64, i32) {
    if x == 0.0 || !x.is_finite() {
        return (x, 0);
    }
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i32;
    if exponent == 0 {
        let (fraction, exponent) = frexp(x * 18_014_398_509_481_984.0);
        return (fraction, exponent - 54);
    }
    (f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52)), exponent - 1022)
}

/// `x` times two to the power of `exponent`, rounded once.
pub(super) fn ldexp(x: f64, exponent: i32) -> f64 {
    let (mut x, mut exponent) = (x, exponent);
    while exponent > 1023 {
        x *= f64::from_bits(0x7fe << 52);
        exponent -= 1023;
        if x.is_infinite() || x == 0.0 {
            return x;
        }
    }
    // Steps that stay 53 bits above the smallest normal number, so that only the last one can round.
    while exponent < -1022 {
        x *= f64::from_bits(0x001 << 52) * f64::from_bits((1023 + 53) << 52);
        exponent += 1022 - 53;
        if x == 0.0 {
            return x;
        }
    }
    x * f64::from_bits(((1023 + exponent) as u64) << 52)
}

/// A sum of floats without rounding until its end (Shewchuk).
#[derive(Default)]
pub(super) struct Sum {
    /// Non-overlapping, growing.
    partials: Vec<f64>,
    /// Infinities and NaN, added apart.
    special: f64,
    /// Infinities alone, to tell opposite ones from a NaN that was given.
    infinities: f64,
    has_special: bool,
}

impl Sum {
    pub(super) fn add(&mut self, value: f64) -> Py<()> {
        let mut x = value;
        let mut kept = 0;
        for at in 0..self.partials.len() {
            let Some(&partial) = self.partials.get(at) else { break };
            let (large, small) = if x.abs() < partial.abs() { (partial, x) } else { (x, partial) };
            let high = large + small;
            let low = small - (high - large);
            if low != 0.0 {
                if let Some(place) = self.partials.get_mut(kept) {
                    *place = low;
                }
                kept += 1;
            }
            x = high;
        }
        self.partials.truncate(kept);
        if x == 0.0 {
            return Ok(());
        }
        if x.is_finite() {
            self.partials.push(x);
            return Ok(());
        }
        if value.is_finite() {
            return Err(overflow_error("intermediate overflow in fsum"));
        }
        if value.is_infinite() {
            self.infinities += value;
        }
        self.special += value;
        self.has_special = true;
        self.partials.clear();
        Ok(())
    }

    pub(super) fn total(self) -> Py<f64> {
        if self.has_special {
            if self.infinities.is_nan() {
                return Err(value_error("-inf + inf in fsum"));
            }
            return Ok(self.special);
        }
        let mut rest = self.partials;
        let Some(mut high) = rest.pop() else {
            return Ok(0.0);
        };
        let mut low = 0.0;
        while let Some(partial) = rest.pop() {
            let before = high;
            high = before + partial;
            low = partial - (high - before);
            if low != 0.0 {
                break;
            }
        }
        // Half-way cases round by what is below them.
        if let Some(&next) = rest.last()
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let twice = low * 2.0;
            let up = high + twice;
            if twice == up - high {
                high = up;
            }
        }
        Ok(high)
    }
}

/// The square root of a sum of squares, with CPython's compensation: not more than one unit in the last place off.
pub(super) fn norm(sides: &[f64]) -> f64 {
    let max = sides.iter().fold(0.0, |max: f64, side| if *side > max { *side } else { max });
    if sides.iter().any(|side| side.is_infinite()) {
        return f64::INFINITY;
    }
    if sides.iter().any(|side| side.is_nan()) {
        return f64::NAN;
    }
    if max == 0.0 || sides.len() <= 1 {
        return max;
    }
    let (_, exponent) = frexp(max);
    let mut sum = Compensated { sum: 1.0, lost: 0.0 };
    if exponent < -1023 {
        for side in sides {
            sum.add((side / max) * (side / max));
        }
        return max * (sum.sum - 1.0 + sum.lost).sqrt();
    }
    let scale = ldexp(1.0, -exponent);
    let (mut middle, mut least) = (0.0, 0.0);
    for side in sides {
        let (high, low) = halves(side * scale);
        sum.add(high * high);
        middle += sum.added(2.0 * high * low);
        least += low * low;
    }
    let root = (sum.sum - 1.0 + (sum.lost + middle + least)).sqrt();
    let (high, low) = halves(root);
    sum.add(-high * high);
    middle += sum.added(-2.0 * high * low);
    least += sum.added(-low * low);
    let rest = sum.sum - 1.0 + (sum.lost + middle + least);
    (root + rest / (2.0 * root)) / scale
}

struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        self.lost += self.added(x);
    }
    /// Adds and gives what rounding lost.
    fn added(&mut self, x: f64) -> f64 {
        let before = self.sum;
        self.sum += x;
        (before - self.sum) + x
    }
}

/// A float as the sum of two of half the bits.
fn halves(x: f64) -> (f64, f64) {
    let t = x * 134_217_729.0;
    let high = t - (t - x);
    (high, x - high)
}

/// `c[0] + x * (c[1] + x * (…))`
fn horner(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

// The error functions are those of FreeBSD's msun (Sun Microsystems, 1993; freely granted), which the GNU C library has too.
const ERX: f64 = 0.8450629115104675;
const EFX8: f64 = 1.0270333367641007;
const PP: [f64; 5] = [
    0.12837916709551256,
    -0.3250421072470015,
    -0.02848174957559851,
    -0.005770270296489442,
    -2.3763016656650163e-05,
];
const QQ: [f64; 6] = [
    1.0,
    0.39791722395915535,
    0.0650222499887673,
    0.005081306281875766,
    0.00013249473800432164,
    -3.960228278775368e-06,
];
const PA: [f64; 7] = [
    -0.0023621185607526594,
    0.41485611868374833,
    -0.3722078760357013,
    0.31834661990116175,
    -0.11089469428239668,
    0.035478304325618236,
    -0.002166375594868791,
];
const QA: [f64; 7] = [
    1.0,
    0.10642088040084423,
    0.540397917702171,
    0.07182865441419627,
    0.12617121980876164,
    0.01363708391202905,
    0.011984499846799107,
];
const RA: [f64; 8] = [
    -0.009864944034847148,
    -0.6938585727071818,
    -10.558626225323291,
    -62.375332450326006,
    -162.39666946257347,
    -184.60509290671104,
    -81.2874355063066,
    -9.814329344169145,
];
const SA: [f64; 9] = [
    1.0,
    19.651271667439257,
    137.65775414351904,
    434.56587747522923,
    645.3872717332679,
    429.00814002756783,
    108.63500554177944,
    6.570249770319282,
    -0.0604244152148581,
];
const RB: [f64; 7] = [
    -0.0098649429247001,
    -0.799283237680523,
    -17.757954917754752,
    -160.63638485582192,
    -637.5664433683896,
    -1025.0951316110772,
    -483.5191916086514,
];
const SB: [f64; 8] = [
    1.0,
    30.33806074348246,
    325.7925129965739,
    1536.729586084437,
    3199.8582195085955,
    2553.0504064331644,
    474.52854120695537,
    -22.44095244658582,
];

/// `erfc` of a number from 0.84375 to 28, by its size.
fn erfc_of(size: f64) -> f64 {
    if size < 1.25 {
        let s = size - 1.0;
        return 1.0 - ERX - horner(s, &PA) / horner(s, &QA);
    }
    let s = 1.0 / (size * size);
    let (r, q) = if size < 1.0 / 0.35 {
        (horner(s, &RA), horner(s, &SA))
    } else {
        (horner(s, &RB), horner(s, &SB))
    };
    let z = f64::from_bits(size.to_bits() & 0xffff_ffff_0000_0000);
    exp(-z * z - 0.5625) * exp((z - size) * (z + size) + r / q) / size
}

pub(super) fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let size = x.abs();
    if size < 0.84375 {
        if size < 3.725_290_298_461_914e-9 {
            return 0.125 * (8.0 * x + EFX8 * x);
        }
        let z = x * x;
        return x + x * (horner(z, &PP) / horner(z, &QQ));
    }
    let y = if size < 6.0 { 1.0 - erfc_of(size) } else { 1.0 };
    y.copysign(x)
}

pub(super) fn erfc(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let size = x.abs();
    if size < 0.84375 {
        if size < 1.387_778_780_781_445_7e-17 {
            return 1.0 - x;
        }
        let z = x * x;
        let y = horner(z, &PP) / horner(z, &QQ);
        return if x < 0.25 {
            1.0 - (x + x * y)
        } else {
            0.5 - (x - 0.5 + x * y)
        };
    }
    match (size < 28.0, x < 0.0) {
        (true, true) => 2.0 - erfc_of(size),
        (true, false) => erfc_of(size),
        (false, true) => 2.0,
        (false, false) => 0.0,
    }
}

// The gamma functions are CPython's: Lanczos' approximation with the coefficients of Boost.
const LANCZOS_G: f64 = 6.024_680_040_776_73;
const LANCZOS_G_MINUS_HALF: f64 = 5.524_680_040_776_73;
const LANCZOS_NUMERATOR: [f64; 13] = [
    23_531_376_880.410_76,
    42_919_803_642.649_1,
    35_711_959_237.355_67,
    17_921_034_426.037_21,
    6_039_542_586.352_028,
    1_439_720_407.311_721_6,
    248_874_557.862_054_17,
    31_426_415.585_400_194,
    2_876_370.628_935_372_4,
    186_056.265_395_223_48,
    8_071.672_002_365_816,
    210.824_277_751_579_35,
    2.506_628_274_631_000_2,
];
const LANCZOS_DENOMINATOR: [f64; 13] = [
    0.0,
    39_916_800.0,
    120_543_840.0,
    150_917_976.0,
    105_258_076.0,
    45_995_730.0,
    13_339_535.0,
    2_637_558.0,
    357_423.0,
    32_670.0,
    1_925.0,
    66.0,
    1.0,
];

fn lanczos(x: f64) -> f64 {
    if x < 5.0 {
        return horner(x, &LANCZOS_NUMERATOR) / horner(x, &LANCZOS_DENOMINATOR);
    }
    let falling = |coefficients: &[f64]| coefficients.iter().fold(0.0, |sum, c| sum / x + c);
    falling(&LANCZOS_NUMERATOR) / falling(&LANCZOS_DENOMINATOR)
}

/// `sin(pi * x)`, exact at the multiples of one half.
fn sin_pi(x: f64) -> f64 {
    use std::f64::consts::PI;
    let y = x.abs() % 2.0;
    let result = match (2.0 * y).round() as i32 {
        0 => sin(PI * y),
        1 => cos(PI * (y - 0.5)),
        2 => sin(PI * (1.0 - y)),
        3 => -cos(PI * (y - 1.5)),
        _ => sin(PI * (y - 2.0)),
    };
    1f64.copysign(x) * result
}

/// Not for zero and negative integers.
pub(super) fn gamma(x: f64) -> f64 {
    if !x.is_finite() {
        return x;
    }
    if x == x.floor() && (1.0..=23.0).contains(&x) {
        return (1..x as u64).product::<u64>() as f64;
    }
    let size = x.abs();
    if size < 1e-20 {
        return 1.0 / x;
    }
    if size > 200.0 {
        return if x < 0.0 { 0.0 / sin_pi(x) } else { f64::INFINITY };
    }
    let y = size + LANCZOS_G_MINUS_HALF;
    let lost = if size > LANCZOS_G_MINUS_HALF {
        (y - size) - LANCZOS_G_MINUS_HALF
    } else {
        (y - LANCZOS_G_MINUS_HALF) - size
    };
    let z = lost * LANCZOS_G / y;
    if x < 0.0 {
        let mut r = -std::f64::consts::PI / sin_pi(size) / size * exp(y) / lanczos(size);
        r -= z * r;
        return if size < 140.0 {
            r / pow(y, size - 0.5)
        } else {
            let root = pow(y, size / 2.0 - 0.25);
            r / root / root
        };
    }
    let mut r = lanczos(size) / exp(y);
    r += z * r;
    if size < 140.0 {
        r * pow(y, size - 0.5)
    } else {
        let root = pow(y, size / 2.0 - 0.25);
        r * root * root
    }
}

/// Not for zero and negative integers.
pub(super) fn lgamma(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.is_infinite() {
        return f64::INFINITY;
    }
    if x == 1.0 || x == 2.0 {
        return 0.0;
    }
    let size = x.abs();
    if size < 1e-20 {
        return -ln(size);
    }
    let mut r = ln(lanczos(size)) - LANCZOS_G;
    r += (size - 0.5) * (ln(size + LANCZOS_G - 0.5) - 1.0);
    if x < 0.0 {
        const LOG_PI: f64 = 1.144_729_885_849_400_2;
        r = LOG_PI - ln(sin_pi(size).abs()) - ln(size) - r;
    }
    r
}
