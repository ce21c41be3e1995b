//! The module `statistics`: means, middles and spreads of data, computed exactly and rounded once.

mod exact;
mod relation;

use exact::{Ratio, Sums, converted};

use super::bind::{bind, need, unless_none};
use super::collections::counter;
use super::declare::declare;
use crate::python::arith::{self, BinaryOp};
use crate::python::builtins;
use crate::python::compare;
use crate::python::error::{Py, Raised, raise, value_error};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj};
use crate::python::text::repr;

declare! {
    "statistics" {
        "mean" => mean,
        "fmean" => relation::fmean,
        "geometric_mean" => relation::geometric_mean,
        "harmonic_mean" => harmonic_mean,
        "median" => median,
        "median_low" => median_low,
        "median_high" => median_high,
        "median_grouped" => median_grouped,
        "mode" => mode,
        "multimode" => multimode,
        "quantiles" => quantiles,
        "variance" => variance,
        "pvariance" => pvariance,
        "stdev" => stdev,
        "pstdev" => pstdev,
        "covariance" => relation::covariance,
        "correlation" => relation::correlation,
        "linear_regression" => relation::linear_regression,
    } {
        "StatisticsError" => Obj::Builtin(Builtin::StatisticsError),
    }
}

fn statistics_error(text: impl Into<String>) -> Raised {
    raise(Builtin::StatisticsError, text.into())
}

/// The only argument `data`.
fn data(args: &Args, function: &str) -> Py<Vec<Obj>> {
    let [data] = bind(function, args, ["data"], 1, 1)?;
    iter::collect(need(data, function)?)
}

fn sorted(data: &Obj) -> Py<Vec<Obj>> {
    iter::collect(&builtins::call(
        Builtin::Sorted,
        &Args::positional(std::slice::from_ref(data)),
    )?)
}

fn mean(args: &Args) -> Py {
    let sums = Sums::of(&data(args, "mean")?, false)?;
    if sums.count == 0 {
        return Err(statistics_error("mean requires at least one data point"));
    }
    match sums.special() {
        Some(special) => Ok(Obj::Float(special / sums.count as f64)),
        None => converted(&sums.sum().divided(sums.count), sums.kind),
    }
}

fn harmonic_mean(args: &Args) -> Py {
    let [data, weights] = bind("harmonic_mean", args, ["data", "weights"], 1, 2)?;
    let data = iter::collect(need(data, "harmonic_mean")?)?;
    let negative = || statistics_error("harmonic mean does not support negative values");
    let zero = Obj::Int(0);
    let weights = unless_none(weights).map(iter::collect).transpose()?;
    match (data.as_slice(), &weights) {
        ([], _) => return Err(statistics_error("harmonic_mean requires at least one data point")),
        ([only], None) => {
            if compare::less(only, &zero)? {
                return Err(negative());
            }
            return Ok(only.clone());
        }
        (_, Some(weights)) if weights.len() != data.len() => {
            return Err(statistics_error("Number of weights does not match data size"));
        }
        _ => {}
    }
    let weights = weights.unwrap_or_else(|| vec![Obj::Int(1); data.len()]);
    for number in weights.iter().chain(&data) {
        if compare::less(number, &zero)? {
            return Err(negative());
        }
    }
    let mut parts = Vec::with_capacity(data.len());
    for (weight, number) in weights.iter().zip(&data) {
        if !compare::truth(weight)? {
            parts.push(Obj::Int(0));
        } else if compare::equals(number, &zero)? {
            return Ok(Obj::Int(0));
        } else {
            parts.push(arith::binary(BinaryOp::TrueDiv, false, weight, number)?);
        }
    }
    let (weights, parts) = (Sums::of(&weights, false)?, Sums::of(&parts, false)?);
    if let Some(special) = parts.special() {
        return Ok(Obj::Float(weights.sum().float()? / special));
    }
    let (above, below) = (weights.sum(), parts.sum());
    if below.num <= 0.into() {
        return Err(statistics_error("Weighted sum must be positive"));
    }
    let ratio = Ratio {
        num: above.num * below.den,
        den: above.den * below.num,
    };
    converted(&ratio, parts.kind)
}

/// The sorted data, which is not empty, and the place of its upper middle.
fn middle(args: &Args, function: &str) -> Py<(Vec<Obj>, usize)> {
    let [data] = bind(function, args, ["data"], 1, 1)?;
    let data = sorted(need(data, function)?)?;
    if data.is_empty() {
        return Err(statistics_error("no median for empty data"));
    }
    let middle = data.len() / 2;
    Ok((data, middle))
}

fn at(data: &[Obj], place: usize) -> Obj {
    data.get(place).cloned().unwrap_or_default()
}

fn median(args: &Args) -> Py {
    let (data, middle) = middle(args, "median")?;
    if data.len() % 2 == 1 {
        return Ok(at(&data, middle));
    }
    let sum = arith::binary(BinaryOp::Add, false, &at(&data, middle - 1), &at(&data, middle))?;
    arith::binary(BinaryOp::TrueDiv, false, &sum, &Obj::Int(2))
}

fn median_low(args: &Args) -> Py {
    let (data, middle) = middle(args, "median_low")?;
    Ok(at(&data, if data.len() % 2 == 1 { middle } else { middle - 1 }))
}

fn median_high(args: &Args) -> Py {
    let (data, middle) = middle(args, "median_high")?;
    Ok(at(&data, middle))
}

fn median_grouped(args: &Args) -> Py {
    let [data, interval] = bind("median_grouped", args, ["data", "interval"], 1, 2)?;
    let data = sorted(need(data, "median_grouped")?)?;
    if data.is_empty() {
        return Err(statistics_error("no median for empty data"));
    }
    let middle = at(&data, data.len() / 2);
    let (mut below, mut same) = (0_usize, 0_usize);
    for number in &data {
        below += usize::from(compare::less(number, &middle)?);
        same += usize::from(compare::equals(number, &middle)?);
    }
    let interval = interval.map_or(Ok(1.0), arith::as_float)?;
    let lower = arith::as_float(&middle)? - interval / 2.0;
    let half = data.len() as f64 / 2.0 - below as f64;
    Ok(Obj::Float(lower + interval * half / same as f64))
}

/// Items in the order of their first appearance, with their counts.
fn counts(args: &Args, function: &str) -> Py<Vec<(Obj, i64)>> {
    let data = data(args, function)?;
    let counter = counter::new(&Args::positional(&[Obj::list(data)]))?;
    Ok(match &counter {
        Obj::Dict(dict) => dict
            .table
            .borrow()
            .iter()
            .filter_map(|(item, count)| match count {
                Obj::Int(count) => Some((item.clone(), *count)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    })
}

fn mode(args: &Args) -> Py {
    let counts = counts(args, "mode")?;
    let most = counts.iter().map(|(_, count)| *count).max();
    match counts.into_iter().find(|(_, count)| Some(*count) == most) {
        Some((item, _)) => Ok(item),
        None => Err(statistics_error("no mode for empty data")),
    }
}

fn multimode(args: &Args) -> Py {
    let counts = counts(args, "multimode")?;
    let most = counts.iter().map(|(_, count)| *count).max();
    let modes = counts.into_iter().filter(|(_, count)| Some(*count) == most);
    Ok(Obj::list(modes.map(|(item, _)| item).collect()))
}

/// More cut points than this are refused.
const MOST_CUTS: i64 = 1 << 24;

fn quantiles(args: &Args) -> Py {
    let [data, n, method] = bind("quantiles", args, ["data", "n", "method"], 1, 1)?;
    let n = n.map_or(Ok(4), arith::index)?;
    if n < 1 {
        return Err(statistics_error("n must be at least 1"));
    }
    if n > MOST_CUTS {
        return Err(raise(Builtin::MemoryError, ""));
    }
    let data = sorted(need(data, "quantiles")?)?;
    let len = data.len() as i64;
    if len < 2 {
        return Err(statistics_error("must have at least two data points"));
    }
    let method = method.cloned().unwrap_or_else(|| Obj::str("exclusive"));
    let inclusive = match method.as_str() {
        Some("inclusive") => true,
        Some("exclusive") => false,
        _ => return Err(value_error(format!("Unknown method: {}", repr(&method)?))),
    };
    let mut cuts = Vec::with_capacity(n as usize);
    for i in 1..n {
        let (low, delta) = if inclusive {
            (i * (len - 1) / n, i * (len - 1) % n)
        } else {
            let place = (i * (len + 1) / n).clamp(1, len - 1);
            (place - 1, i * (len + 1) - place * n)
        };
        let weighted = |place: i64, weight: i64| {
            let number = at(&data, usize::try_from(place).unwrap_or(0));
            arith::binary(BinaryOp::Mul, false, &number, &Obj::Int(weight))
        };
        let sum = arith::binary(BinaryOp::Add, false, &weighted(low, n - delta)?, &weighted(low + 1, delta)?)?;
        cuts.push(arith::binary(BinaryOp::TrueDiv, false, &sum, &Obj::Int(n))?);
    }
    Ok(Obj::list(cuts))
}

/// The sum of squared deviations divided by the count (less one for a sample), or the sum of what is not finite.
enum Spread {
    Exact(Ratio, exact::Kind),
    Special(f64),
}

fn spread(args: &Args, function: &str, centre: &str, sample: bool) -> Py<Spread> {
    let [data, centre] = bind(function, args, ["data", centre], 1, 2)?;
    let data = iter::collect(need(data, function)?)?;
    if data.len() < if sample { 2 } else { 1 } {
        let least = if sample { "two data points" } else { "one data point" };
        return Err(statistics_error(format!("{function} requires at least {least}")));
    }
    let by = data.len() - usize::from(sample);
    let (sums, deviations) = match unless_none(centre) {
        None => {
            let sums = Sums::of(&data, true)?;
            let deviations = sums.deviations();
            (sums, deviations)
        }
        Some(centre) => {
            let mut squares = Vec::with_capacity(data.len());
            for number in &data {
                let off = arith::binary(BinaryOp::Sub, false, number, centre)?;
                squares.push(arith::binary(BinaryOp::Mul, false, &off, &off)?);
            }
            let sums = Sums::of(&squares, false)?;
            let deviations = sums.sum();
            (sums, deviations)
        }
    };
    Ok(match sums.special() {
        Some(special) => Spread::Special(special / by as f64),
        None => Spread::Exact(deviations.divided(by), sums.kind),
    })
}

fn variance_of(spread: &Spread) -> Py {
    match spread {
        Spread::Exact(ratio, kind) => converted(ratio, *kind),
        Spread::Special(number) => Ok(Obj::Float(*number)),
    }
}

fn deviation_of(spread: &Spread) -> Py {
    match spread {
        Spread::Exact(ratio, _) => ratio.sqrt().map(Obj::Float),
        // What CPython 3.11 meets here, too: such a float has no numerator.
        Spread::Special(_) => Err(raise(Builtin::AttributeError, "'float' object has no attribute 'numerator'")),
    }
}

fn variance(args: &Args) -> Py {
    variance_of(&spread(args, "variance", "xbar", true)?)
}

fn pvariance(args: &Args) -> Py {
    variance_of(&spread(args, "pvariance", "mu", false)?)
}

fn stdev(args: &Args) -> Py {
    deviation_of(&spread(args, "stdev", "xbar", true)?)
}

fn pstdev(args: &Args) -> Py {
    deviation_of(&spread(args, "pstdev", "mu", false)?)
}
