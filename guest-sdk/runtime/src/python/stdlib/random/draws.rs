//! What `random` makes of a generator's numbers, with CPython's arithmetic.

use std::collections::HashSet;
use std::f64::consts::{E, PI, TAU};

use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive};

use super::twister::Twister;
use crate::py::elementary::{acos, cos, exp, ln, pow, sin};
use crate::python::arith::{self, BinaryOp};
use crate::python::error::{Py, index_error, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj};
use crate::python::stdlib::bind::{self, bind};
use crate::python::{compare, iter, subscript, text};

/// Not more than 256 MiB of random bits.
pub(super) fn bit_count(bits: i64) -> Py<u64> {
    if bits < 0 {
        return Err(value_error("number of bits must be non-negative"));
    }
    if bits > 1 << 31 {
        return Err(raise(Builtin::MemoryError, "too many random bits"));
    }
    Ok(bits as u64)
}

/// Not more than 256 MiB of objects.
fn item_count(items: i64) -> Py<i64> {
    if items > 1 << 24 {
        return Err(raise(Builtin::MemoryError, ""));
    }
    Ok(items)
}

/// The numbers that `randrange` chooses from.
pub(super) struct Span {
    start: BigInt,
    step: BigInt,
    count: BigInt,
}

impl Span {
    pub(super) fn of(start: &Obj, stop: Option<&Obj>, step: Option<&Obj>) -> Py<Span> {
        let start = integer(start, "arg 1 for randrange()")?;
        let Some(stop) = stop else {
            if step.is_some() {
                return Err(type_error("Missing a non-None stop argument"));
            }
            if !start.is_positive() {
                return Err(value_error("empty range for randrange()"));
            }
            return Ok(Span {
                start: BigInt::ZERO,
                step: BigInt::from(1),
                count: start,
            });
        };
        let stop = integer(stop, "stop for randrange()")?;
        let step = match step {
            Some(step) => integer(step, "step for randrange()")?,
            None => BigInt::from(1),
        };
        let width = &stop - &start;
        let count = match step.sign() {
            Sign::NoSign => return Err(value_error("zero step for randrange()")),
            Sign::Plus => num_integer::Integer::div_floor(&(&width + &step - 1), &step),
            Sign::Minus => num_integer::Integer::div_floor(&(&width + &step + 1), &step),
        };
        if !count.is_positive() {
            return Err(value_error(if step == BigInt::from(1) {
                format!("empty range for randrange() ({start}, {stop}, {width})")
            } else {
                "empty range for randrange()".into()
            }));
        }
        Ok(Span { start, step, count })
    }

    pub(super) fn draw(&self, twister: &mut Twister) -> Py {
        let below = match self.count.to_u64() {
            Some(count) => BigInt::from(twister.below(count)),
            None => BigInt::from(twister.big_below(self.count.magnitude())),
        };
        Ok(Obj::big(&self.start + &self.step * below))
    }
}

fn integer(value: &Obj, what: &str) -> Py<BigInt> {
    if let Some(n) = arith::as_big(value) {
        return Ok(n);
    }
    // Whole floats are still taken by 3.11.
    if let Obj::Float(x) = value
        && x.is_finite()
    {
        return match num_traits::FromPrimitive::from_f64(*x) {
            Some(n) if x.fract() == 0.0 => Ok(n),
            _ => Err(value_error(format!("non-integer {what}"))),
        };
    }
    arith::index(value).map(BigInt::from)
}

type Below<'a> = &'a mut dyn FnMut(u64) -> u64;

pub(super) fn shuffle(items: &Obj, below: Below) -> Py {
    if let Obj::List(list) = items {
        let mut list = list.0.borrow_mut();
        for i in (1..list.len()).rev() {
            let j = below(i as u64 + 1) as usize;
            list.swap(i, j);
        }
        return Ok(Obj::None);
    }
    for i in (1..iter::length(items)?).rev() {
        let (i, j) = (Obj::Int(i as i64), Obj::Int(below(i as u64 + 1) as i64));
        let (a, b) = (subscript::getitem(items, &i)?, subscript::getitem(items, &j)?);
        subscript::setitem(items, &i, &b)?;
        subscript::setitem(items, &j, &a)?;
    }
    Ok(Obj::None)
}

pub(super) fn sample(population: &Obj, k: &Obj, counts: Option<&Obj>, below: Below) -> Py {
    if matches!(
        population,
        Obj::Set(_) | Obj::Dict(_) | Obj::Int(_) | Obj::Float(_) | Obj::None | Obj::Iter(_) | Obj::Generator(_)
    ) {
        return Err(type_error(
            "Population must be a sequence.  For dicts or sets, use sorted(d).",
        ));
    }
    let n = iter::length(population)?;
    if let Some(counts) = counts {
        let mut sums = Vec::new();
        let mut total = 0i64;
        for count in iter::collect(counts)? {
            total = total.saturating_add(arith::index(&count)?);
            sums.push(total);
        }
        if sums.len() != n {
            return Err(value_error("The number of counts does not match the population"));
        }
        if total <= 0 {
            return Err(value_error("Total of counts must be greater than zero"));
        }
        let places = chosen(total as u64, k, below)?;
        let mut items = Vec::with_capacity(places.len());
        for place in places {
            let at = sums.partition_point(|sum| *sum <= place as i64);
            items.push(subscript::getitem(population, &Obj::Int(at as i64))?);
        }
        return Ok(Obj::list(items));
    }
    let mut items = Vec::new();
    for place in chosen(n as u64, k, below)? {
        items.push(subscript::getitem(population, &Obj::Int(place as i64))?);
    }
    Ok(Obj::list(items))
}

/// `k` different places below `n`, in the order in which they were chosen.
fn chosen(n: u64, k: &Obj, below: Below) -> Py<Vec<u64>> {
    let k = arith::index(k)?;
    if k < 0 || k as u64 > n {
        return Err(value_error("Sample larger than population or is negative"));
    }
    let k = item_count(k)? as u64;
    let mut set_size = 21.0;
    if k > 5 {
        set_size += pow(4.0, (ln((k * 3) as f64) / ln(4.0)).ceil());
    }
    let mut places = Vec::with_capacity(k.min(1 << 20) as usize);
    if n as f64 <= set_size {
        let mut pool: Vec<u64> = (0..n).collect();
        for i in 0..k {
            let last = pool.len() - 1;
            let j = below(n - i) as usize;
            places.extend(pool.get(j));
            if j <= last {
                pool.swap_remove(j);
            }
        }
    } else {
        let mut seen = HashSet::new();
        for _ in 0..k {
            let mut j = below(n);
            while !seen.insert(j) {
                j = below(n);
            }
            places.push(j);
        }
    }
    Ok(places)
}

pub(super) fn choices(args: &Args, random: &mut dyn FnMut() -> f64) -> Py {
    let names = ["population", "weights", "cum_weights", "k"];
    let [population, weights, sums, k] = bind("Random.choices", args, names, 1, 2)?;
    let population = bind::need(population, "choices")?;
    let n = iter::length(population)?;
    let (weights, sums) = (bind::unless_none(weights), bind::unless_none(sums));
    let k = item_count(k.map_or(Ok(1), arith::index)?.max(0))?;
    let mut items = Vec::with_capacity(k.min(1 << 20) as usize);
    let mut take = |at: u64| -> Py<()> {
        items.push(subscript::getitem(population, &Obj::Int(at as i64))?);
        Ok(())
    };
    let sums = match (weights, sums) {
        (None, None) => {
            for _ in 0..k {
                if n == 0 {
                    return Err(index_error("list index out of range"));
                }
                take((random() * n as f64).floor() as u64)?;
            }
            return Ok(Obj::list(items));
        }
        (Some(_), Some(_)) => {
            return Err(type_error("Cannot specify both weights and cumulative weights"));
        }
        (Some(number @ Obj::Int(_)), None) => {
            return Err(type_error(format!(
                "The number of choices must be a keyword argument: k={}",
                text::repr(number)?
            )));
        }
        (Some(weights), None) => {
            let mut sums: Vec<Obj> = Vec::new();
            for weight in iter::collect(weights)? {
                sums.push(match sums.last() {
                    Some(sum) => arith::binary(BinaryOp::Add, false, sum, &weight)?,
                    None => weight,
                });
            }
            sums
        }
        (None, Some(sums)) => iter::collect(sums)?,
    };
    if sums.len() != n {
        return Err(value_error("The number of weights does not match the population"));
    }
    let Some(total) = sums.last() else {
        return Err(index_error("list index out of range"));
    };
    let total = arith::as_float(total)?;
    if total <= 0.0 {
        return Err(value_error("Total of weights must be greater than zero"));
    }
    if !total.is_finite() {
        return Err(value_error("Total of weights must be finite"));
    }
    for _ in 0..k {
        let point = Obj::Float(random() * total);
        // The first sum above the point; the last one needs no look.
        let (mut low, mut high) = (0, n - 1);
        while low < high {
            let middle = (low + high) / 2;
            match sums.get(middle) {
                Some(sum) if compare::less(&point, sum)? => high = middle,
                _ => low = middle + 1,
            }
        }
        take(low as u64)?;
    }
    Ok(Obj::list(items))
}

/// `(3, words, gauss_next)`
pub(super) fn state_of(twister: &Twister, gauss_next: Option<f64>) -> Obj {
    let (words, at) = twister.words();
    let mut numbers: Vec<Obj> = words.iter().map(|word| Obj::Int(i64::from(*word))).collect();
    numbers.push(Obj::Int(at as i64));
    let next = gauss_next.map_or(Obj::None, Obj::Float);
    Obj::tuple([Obj::Int(3), Obj::tuple(numbers), next])
}

pub(super) fn of_state(state: &Obj) -> Py<(Twister, Option<f64>)> {
    let wrong = || value_error("state vector is invalid");
    let Obj::Tuple(parts) = state else {
        return Err(type_error("state vector must be a tuple"));
    };
    let [Obj::Int(3), Obj::Tuple(numbers), next] = parts.as_ref() else {
        return Err(wrong());
    };
    let mut words = Vec::with_capacity(numbers.len());
    for number in numbers.iter() {
        words.push(u32::try_from(arith::index(number)?).map_err(|_| wrong())?);
    }
    let at = words.pop().ok_or_else(wrong)?;
    let twister = Twister::of_words(&words, at as usize).ok_or_else(wrong)?;
    let next = match next {
        Obj::Float(next) => Some(*next),
        _ => None,
    };
    Ok((twister, next))
}

/// A distribution of real numbers and its parameters.
pub(super) enum Distribution {
    Triangular { low: f64, high: f64, mode: Option<f64> },
    Normal { mu: f64, sigma: f64 },
    Gauss { mu: f64, sigma: f64 },
    LogNormal { mu: f64, sigma: f64 },
    Exponential { lambda: f64 },
    VonMises { mu: f64, kappa: f64 },
    Gamma { alpha: f64, beta: f64 },
    Beta { alpha: f64, beta: f64 },
    Pareto { alpha: f64 },
    Weibull { alpha: f64, beta: f64 },
}

impl Distribution {
    pub(super) fn of(name: &str, args: &Args) -> Py<Self> {
        let function = format!("Random.{name}");
        let two = |names: [&str; 2], defaults: Option<[f64; 2]>| -> Py<(f64, f64)> {
            let required = if defaults.is_some() { 0 } else { 2 };
            let [a, b] = bind(&function, args, names, required, 2)?;
            let [first, second] = defaults.unwrap_or_default();
            Ok((a.map_or(Ok(first), arith::as_float)?, b.map_or(Ok(second), arith::as_float)?))
        };
        let one = |parameter: &str| -> Py<f64> {
            let [a] = bind(&function, args, [parameter], 1, 1)?;
            arith::as_float(bind::need(a, &function)?)
        };
        Ok(match name {
            "triangular" => {
                let [low, high, mode] = bind(&function, args, ["low", "high", "mode"], 0, 3)?;
                Distribution::Triangular {
                    low: low.map_or(Ok(0.0), arith::as_float)?,
                    high: high.map_or(Ok(1.0), arith::as_float)?,
                    mode: bind::unless_none(mode).map(arith::as_float).transpose()?,
                }
            }
            "normalvariate" => {
                let (mu, sigma) = two(["mu", "sigma"], Some([0.0, 1.0]))?;
                Distribution::Normal { mu, sigma }
            }
            "gauss" => {
                let (mu, sigma) = two(["mu", "sigma"], Some([0.0, 1.0]))?;
                Distribution::Gauss { mu, sigma }
            }
            "lognormvariate" => {
                let (mu, sigma) = two(["mu", "sigma"], None)?;
                Distribution::LogNormal { mu, sigma }
            }
            "expovariate" => Distribution::Exponential { lambda: one("lambd")? },
            "vonmisesvariate" => {
                let (mu, kappa) = two(["mu", "kappa"], None)?;
                Distribution::VonMises { mu, kappa }
            }
            "gammavariate" => {
                let (alpha, beta) = two(["alpha", "beta"], None)?;
                Distribution::Gamma { alpha, beta }
            }
            "betavariate" => {
                let (alpha, beta) = two(["alpha", "beta"], None)?;
                Distribution::Beta { alpha, beta }
            }
            "paretovariate" => Distribution::Pareto { alpha: one("alpha")? },
            "weibullvariate" => {
                let (alpha, beta) = two(["alpha", "beta"], None)?;
                Distribution::Weibull { alpha, beta }
            }
            _ => return Err(crate::python::error::attribute_error("Random", name)),
        })
    }

    pub(super) fn draw(&self, source: &mut Twister, gauss_next: &mut Option<f64>) -> Py {
        Ok(Obj::Float(match *self {
            Distribution::Triangular { low, high, mode } => triangular(source, low, high, mode),
            Distribution::Normal { mu, sigma } => normal(source, mu, sigma),
            Distribution::Gauss { mu, sigma } => {
                let z = gauss_next.take().unwrap_or_else(|| {
                    let angle = source.float() * TAU;
                    let radius = (-2.0 * ln(1.0 - source.float())).sqrt();
                    *gauss_next = Some(sin(angle) * radius);
                    cos(angle) * radius
                });
                mu + z * sigma
            }
            Distribution::LogNormal { mu, sigma } => {
                let result = exp(normal(source, mu, sigma));
                if result.is_infinite() {
                    return Err(crate::python::error::overflow_error("math range error"));
                }
                result
            }
            Distribution::Exponential { lambda } => {
                let size = -ln(1.0 - source.float());
                if lambda == 0.0 {
                    return Err(raise(Builtin::ZeroDivisionError, "float division by zero"));
                }
                size / lambda
            }
            Distribution::VonMises { mu, kappa } => von_mises(source, mu, kappa),
            Distribution::Gamma { alpha, beta } => gamma(source, alpha, beta)?,
            Distribution::Beta { alpha, beta } => {
                let y = gamma(source, alpha, 1.0)?;
                if y == 0.0 { 0.0 } else { y / (y + gamma(source, beta, 1.0)?) }
            }
            Distribution::Pareto { alpha } => pow(1.0 - source.float(), -1.0 / alpha),
            Distribution::Weibull { alpha, beta } => alpha * pow(-ln(1.0 - source.float()), 1.0 / beta),
        }))
    }
}

fn triangular(source: &mut Twister, low: f64, high: f64, mode: Option<f64>) -> f64 {
    let mut u = source.float();
    let mut c = match mode {
        None => 0.5,
        Some(_) if high == low => return low,
        Some(mode) => (mode - low) / (high - low),
    };
    let (mut low, mut high) = (low, high);
    if u > c {
        u = 1.0 - u;
        c = 1.0 - c;
        std::mem::swap(&mut low, &mut high);
    }
    low + (high - low) * (u * c).sqrt()
}

fn normal(source: &mut Twister, mu: f64, sigma: f64) -> f64 {
    // 4 * exp(-0.5) / sqrt(2.0)
    const MAGIC: f64 = 1.715_527_769_921_413_5;
    loop {
        let u1 = source.float();
        let u2 = 1.0 - source.float();
        let z = MAGIC * (u1 - 0.5) / u2;
        if z * z / 4.0 <= -ln(u2) {
            return mu + z * sigma;
        }
    }
}

fn von_mises(source: &mut Twister, mu: f64, kappa: f64) -> f64 {
    if kappa <= 1e-6 {
        return TAU * source.float();
    }
    let s = 0.5 / kappa;
    let r = s + (1.0 + s * s).sqrt();
    let z = loop {
        let z = cos(PI * source.float());
        let d = z / (r + z);
        let u2 = source.float();
        if u2 < 1.0 - d * d || u2 <= (1.0 - d) * exp(d) {
            break z;
        }
    };
    let q = 1.0 / r;
    let f = (q + z) / (1.0 + q * z);
    let angle = if source.float() > 0.5 { mu + acos(f) } else { mu - acos(f) };
    // Python's remainder has the sign of the divisor.
    let rest = angle % TAU;
    if rest < 0.0 { rest + TAU } else { rest }
}

fn gamma(source: &mut Twister, alpha: f64, beta: f64) -> Py<f64> {
    if alpha <= 0.0 || beta <= 0.0 || alpha.is_nan() || beta.is_nan() {
        return Err(value_error("gammavariate: alpha and beta must be > 0.0"));
    }
    if alpha == 1.0 {
        return Ok(-ln(1.0 - source.float()) * beta);
    }
    if alpha > 1.0 {
        let log4 = ln(4.0);
        let magic = 1.0 + ln(4.5);
        let a = (2.0 * alpha - 1.0).sqrt();
        let b = alpha - log4;
        let c = alpha + a;
        loop {
            let u1 = source.float();
            if !(1e-7 < u1 && u1 < 0.999_999_9) {
                continue;
            }
            let u2 = 1.0 - source.float();
            let v = ln(u1 / (1.0 - u1)) / a;
            let x = alpha * exp(v);
            let z = u1 * u1 * u2;
            let r = b + c * v - x;
            if r + magic - 4.5 * z >= 0.0 || r >= ln(z) {
                return Ok(x * beta);
            }
        }
    }
    loop {
        let b = (E + alpha) / E;
        let p = b * source.float();
        let x = if p <= 1.0 { pow(p, 1.0 / alpha) } else { -ln((b - p) / alpha) };
        let u1 = source.float();
        if if p > 1.0 { u1 <= pow(x, alpha - 1.0) } else { u1 <= exp(-x) } {
            return Ok(x * beta);
        }
    }
}
