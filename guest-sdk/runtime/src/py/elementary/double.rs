//! Sums and products of floats without rounding: a float and what it lacks.

/// A number as the sum of two floats, the second below the last place of the first.
#[derive(Clone, Copy)]
pub(super) struct Double {
    pub(super) high: f64,
    pub(super) low: f64,
}

/// `a + b`
#[inline]
pub(super) fn sum(a: f64, b: f64) -> Double {
    let high = a + b;
    let part = high - a;
    Double {
        high,
        low: (a - (high - part)) + (b - part),
    }
}

/// `a + b` where `a` is not the smaller one.
#[inline]
pub(super) fn quick_sum(a: f64, b: f64) -> Double {
    let high = a + b;
    Double {
        high,
        low: b - (high - a),
    }
}

/// `a * b`. Not for numbers beyond 2^990.
#[inline]
pub(super) fn product(a: f64, b: f64) -> Double {
    let halves = |x: f64| {
        let t = x * 134_217_729.0;
        let high = t - (t - x);
        (high, x - high)
    };
    let high = a * b;
    let ((a1, a2), (b1, b2)) = (halves(a), halves(b));
    Double {
        high,
        low: ((a1 * b1 - high) + a1 * b2 + a2 * b1) + a2 * b2,
    }
}

impl Double {
    pub(super) const fn of(high: u64, low: u64) -> Double {
        Double {
            high: f64::from_bits(high),
            low: f64::from_bits(low),
        }
    }
    pub(super) fn exact(high: f64) -> Double {
        Double { high, low: 0.0 }
    }
    pub(super) fn plus(self, other: Double) -> Double {
        let s = sum(self.high, other.high);
        quick_sum(s.high, s.low + (self.low + other.low))
    }
    pub(super) fn times(self, other: Double) -> Double {
        let p = product(self.high, other.high);
        quick_sum(p.high, p.low + (self.high * other.low + self.low * other.high))
    }
    pub(super) fn over(self, other: Double) -> Double {
        let first = self.high / other.high;
        let p = product(first, other.high);
        let rest = (self.high - p.high) - p.low + self.low - first * other.low;
        quick_sum(first, rest / other.high)
    }
    pub(super) fn sqrt(self) -> Double {
        let first = self.high.sqrt();
        if first == 0.0 {
            return Double::exact(0.0);
        }
        let p = product(first, first);
        let rest = (self.high - p.high) - p.low + self.low;
        quick_sum(first, rest / (2.0 * first))
    }
    pub(super) fn negated(self) -> Double {
        Double {
            high: -self.high,
            low: -self.low,
        }
    }
    pub(super) fn value(self) -> f64 {
        self.high + self.low
    }
}
