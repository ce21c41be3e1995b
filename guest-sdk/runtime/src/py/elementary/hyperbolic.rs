//! Hyperbolic functions and their inverses, by the formulas of the C library.

use super::exp::exp;
use super::log::ln;

const LN2: f64 = std::f64::consts::LN_2;

pub fn sinh(x: f64) -> f64 {
    let size = x.abs();
    let half = 0.5f64.copysign(x);
    if size < 22.0 {
        if size < 3.725_290_298_461_914e-9 {
            return x;
        }
        let t = size.exp_m1();
        return if size < 1.0 {
            half * (2.0 * t - t * t / (t + 1.0))
        } else {
            half * (t + t / (t + 1.0))
        };
    }
    if size < 709.78 {
        return half * exp(size);
    }
    let root = exp(0.5 * size);
    half * root * root
}

pub fn cosh(x: f64) -> f64 {
    let size = x.abs();
    if size < 0.5 * LN2 {
        let t = size.exp_m1();
        let w = 1.0 + t;
        return 1.0 + (t * t) / (w + w);
    }
    if size < 22.0 {
        let t = exp(size);
        return 0.5 * t + 0.5 / t;
    }
    if size < 709.78 {
        return 0.5 * exp(size);
    }
    let root = exp(0.5 * size);
    0.5 * root * root
}

pub fn tanh(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let size = x.abs();
    if size < 2.775_557_561_562_891_4e-17 {
        return x;
    }
    let result = if size >= 22.0 {
        1.0
    } else if size >= 1.0 {
        1.0 - 2.0 / ((2.0 * size).exp_m1() + 2.0)
    } else {
        let t = (-2.0 * size).exp_m1();
        -t / (t + 2.0)
    };
    result.copysign(x)
}

pub fn asinh(x: f64) -> f64 {
    let size = x.abs();
    if !x.is_finite() || size < 3.725_290_298_461_914e-9 {
        return x;
    }
    let result = if size > 268_435_456.0 {
        ln(size) + LN2
    } else if size > 2.0 {
        ln(2.0 * size + 1.0 / ((x * x + 1.0).sqrt() + size))
    } else {
        let t = x * x;
        (size + t / (1.0 + (1.0 + t).sqrt())).ln_1p()
    };
    result.copysign(x)
}

pub fn acosh(x: f64) -> f64 {
    if x > 268_435_456.0 {
        return if x.is_finite() { ln(x) + LN2 } else { x };
    }
    if x > 2.0 {
        return ln(2.0 * x - 1.0 / (x + (x * x - 1.0).sqrt()));
    }
    if x >= 1.0 {
        let t = x - 1.0;
        return (t + (2.0 * t + t * t).sqrt()).ln_1p();
    }
    f64::NAN
}

pub fn atanh(x: f64) -> f64 {
    let size = x.abs();
    if x.is_nan() || size >= 1.0 {
        return x.atanh();
    }
    if size < 3.725_290_298_461_914e-9 {
        return x;
    }
    let t = size + size;
    let result = if size < 0.5 {
        0.5 * (t + t * size / (1.0 - size)).ln_1p()
    } else {
        0.5 * (t / (1.0 - size)).ln_1p()
    };
    result.copysign(x)
}
