//! Powers of floats, rounded as the C library under Python rounds them: to the nearest float in all but very few cases.
//!
//! The power function that comes with WebAssembly targets is off by one in the last digit every few dozen results. Here the
//! logarithm and the exponential are computed with pairs of floats, whose sum has about 106 bits.

/// A number as the sum of two floats, the second at most half a unit of the first's last place.
type Pair = (f64, f64);

const LN2: Pair = (std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
/// Beyond these the result is infinite or zero.
const LARGEST: f64 = 710.0;
const SMALLEST: f64 = -746.0;

/// `base` to the power `exp`, as C's `pow` gives it.
pub fn pow(base: f64, exp: f64) -> f64 {
    let whole = exp.fract() == 0.0;
    // What is special is the same everywhere.
    if !base.is_finite() || !exp.is_finite() || base == 0.0 || base == 1.0 || exp == 0.0 || (base < 0.0 && !whole) {
        return base.powf(exp);
    }
    let size = positive(base.abs(), exp);
    let odd = whole && exp.abs() < 2.0_f64.powi(53) && (exp / 2.0).fract() != 0.0;
    if base < 0.0 && odd { -size } else { size }
}

fn positive(base: f64, exp: f64) -> f64 {
    let (mantissa, exponent) = split_exponent(base);
    // One step of Newton's method from the machine's logarithm: ln b = l + b·e^(-l) - 1.
    let log = base.ln();
    let (inverse, scale) = exponential((-log, 0.0));
    let ratio = times((mantissa, 0.0), inverse);
    let ratio = (scaled(ratio.0, exponent + scale), scaled(ratio.1, exponent + scale));
    let log = plus((log, 0.0), plus(ratio, (-1.0, 0.0)));
    let log = times(log, (exp, 0.0));
    if log.0.is_nan() || log.0 > LARGEST {
        // Only a product too large for a float is no number here.
        return if (base > 1.0) == (exp > 0.0) { f64::INFINITY } else { 0.0 };
    }
    if log.0 < SMALLEST {
        return 0.0;
    }
    let (value, scale) = exponential(log);
    scaled(value.0 + value.1, scale)
}

/// `e` to the power `x` as a number near one and the power of two to scale it by.
fn exponential(x: Pair) -> (Pair, i32) {
    let twos = (x.0 / LN2.0).round();
    let whole = times((twos, 0.0), LN2);
    let rest = plus(x, (-whole.0, -whole.1));
    // The series converges fast for small numbers: e^r = (e^(r/256))^256, kept less one so that nothing is lost.
    let rest = (rest.0 / 256.0, rest.1 / 256.0);
    let (mut term, mut sum) = (rest, rest);
    for n in 2..11 {
        term = divided(times(term, rest), f64::from(n));
        sum = plus(sum, term);
    }
    for _ in 0..8 {
        sum = plus((2.0 * sum.0, 2.0 * sum.1), times(sum, sum));
    }
    (plus((1.0, 0.0), sum), twos as i32)
}

/// A positive float as a number of [0.5, 1) and the power of two to scale it by.
fn split_exponent(x: f64) -> (f64, i32) {
    let (x, before) = if x < f64::MIN_POSITIVE {
        (x * 2.0_f64.powi(64), -64)
    } else {
        (x, 0)
    };
    let bits = x.to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i32 - 1022;
    let mantissa = f64::from_bits(bits & !(0x7ff << 52) | 1022 << 52);
    (mantissa, exponent + before)
}

/// `x` times a power of two, in steps that are floats themselves.
fn scaled(x: f64, mut twos: i32) -> f64 {
    let mut x = x;
    while twos != 0 && x != 0.0 && x.is_finite() {
        let step = twos.clamp(-1000, 1000);
        x *= 2.0_f64.powi(step);
        twos -= step;
    }
    x
}

fn sum_of(a: f64, b: f64) -> Pair {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// As [`sum_of`] where `a` is the larger.
fn sorted_sum(a: f64, b: f64) -> Pair {
    let sum = a + b;
    (sum, b - (sum - a))
}

fn product_of(a: f64, b: f64) -> Pair {
    let halves = |x: f64| {
        let shifted = 134_217_729.0 * x;
        let high = shifted - (shifted - x);
        (high, x - high)
    };
    let product = a * b;
    let ((a1, a2), (b1, b2)) = (halves(a), halves(b));
    (product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2)
}

fn plus(x: Pair, y: Pair) -> Pair {
    let (sum, rest) = sum_of(x.0, y.0);
    let (low, lowest) = sum_of(x.1, y.1);
    let (sum, rest) = sorted_sum(sum, rest + low);
    sorted_sum(sum, rest + lowest)
}

fn times(x: Pair, y: Pair) -> Pair {
    let (product, rest) = product_of(x.0, y.0);
    sorted_sum(product, rest + (x.0 * y.1 + x.1 * y.0))
}

fn divided(x: Pair, by: f64) -> Pair {
    let quotient = x.0 / by;
    let (product, rest) = product_of(quotient, by);
    sorted_sum(quotient, (((x.0 - product) - rest) + x.1) / by)
}
