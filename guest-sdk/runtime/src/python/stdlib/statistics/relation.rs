//! What `statistics` computes with floats: `fmean` and its relatives, and relations between two series.

use super::exact::Sums;
use super::statistics_error;
use crate::py::elementary;
use crate::python::arith;
use crate::python::error::{Py, raise};
use crate::python::iter;
use crate::python::names::Builtin;
use crate::python::object::{Args, Obj};
use crate::python::stdlib::bind::{bind, flag, need, unless_none};
use crate::python::stdlib::named;

thread_local! {
    static REGRESSION: Obj = named::class(None, "LinearRegression", ["slope", "intercept"], Vec::new(), None);
}

fn floats(source: &Obj) -> Py<Vec<f64>> {
    iter::collect(source)?.iter().map(arith::as_float).collect()
}

/// The correctly rounded sum (`math.fsum`).
fn fsum(numbers: impl IntoIterator<Item = f64>) -> Py<f64> {
    let numbers: Vec<Obj> = numbers.into_iter().map(Obj::Float).collect();
    let sums = Sums::of(&numbers, false)?;
    match sums.special() {
        Some(special) => Ok(special),
        None => sums.sum().float(),
    }
}

pub fn fmean(args: &Args) -> Py {
    let [data, weights] = bind("fmean", args, ["data", "weights"], 1, 2)?;
    let data = floats(need(data, "fmean")?)?;
    let count = data.len() as f64;
    let Some(weights) = unless_none(weights) else {
        let sum = fsum(data.iter().copied())?;
        if data.is_empty() {
            return Err(statistics_error("fmean requires at least one data point"));
        }
        return Ok(Obj::Float(sum / count));
    };
    let weights = floats(weights)?;
    if weights.len() != data.len() {
        return Err(statistics_error("data and weights must be the same length"));
    }
    let sum = fsum(data.iter().zip(&weights).map(|(number, weight)| number * weight))?;
    let weight = fsum(weights)?;
    if weight == 0.0 {
        return Err(statistics_error("sum of weights must be non-zero"));
    }
    Ok(Obj::Float(sum / weight))
}

pub fn geometric_mean(args: &Args) -> Py {
    let [data] = bind("geometric_mean", args, ["data"], 1, 1)?;
    let data = floats(need(data, "geometric_mean")?)?;
    if data.is_empty() || data.iter().any(|number| *number <= 0.0) {
        return Err(statistics_error(
            "geometric mean requires a non-empty dataset containing positive numbers",
        ));
    }
    let count = data.len() as f64;
    Ok(Obj::Float(elementary::exp(
        fsum(data.into_iter().map(elementary::ln))? / count,
    )))
}

/// Two series of the same length, of two points at least.
fn pair(args: &Args, function: &str, title: &str) -> Py<(Vec<f64>, Vec<f64>)> {
    let positional = Args::positional(args.plain());
    let [x, y] = bind(function, &positional, ["x", "y"], 2, 2)?;
    let (x, y) = (floats(need(x, function)?)?, floats(need(y, function)?)?);
    if x.len() != y.len() {
        return Err(statistics_error(format!(
            "{title} requires that both inputs have same number of data points"
        )));
    }
    if x.len() < 2 {
        return Err(statistics_error(format!("{title} requires at least two data points")));
    }
    Ok((x, y))
}

fn mean(numbers: &[f64]) -> Py<f64> {
    Ok(fsum(numbers.iter().copied())? / numbers.len() as f64)
}

/// The sum of the products of deviations.
fn products(x: &[f64], x_mean: f64, y: &[f64], y_mean: f64) -> Py<f64> {
    fsum(x.iter().zip(y).map(|(x, y)| (x - x_mean) * (y - y_mean)))
}

pub fn covariance(args: &Args) -> Py {
    let (x, y) = pair(args, "covariance", "covariance")?;
    let sum = products(&x, mean(&x)?, &y, mean(&y)?)?;
    Ok(Obj::Float(sum / (x.len() - 1) as f64))
}

pub fn correlation(args: &Args) -> Py {
    let (x, y) = pair(args, "correlation", "correlation")?;
    let (x_mean, y_mean) = (mean(&x)?, mean(&y)?);
    let both = products(&x, x_mean, &y, y_mean)?;
    let (xx, yy) = (products(&x, x_mean, &x, x_mean)?, products(&y, y_mean, &y, y_mean)?);
    let root = (xx * yy).sqrt();
    if root == 0.0 {
        return Err(statistics_error("at least one of the inputs is constant"));
    }
    Ok(Obj::Float(both / root))
}

pub fn linear_regression(args: &Args) -> Py {
    let (x, y) = pair(args, "linear_regression", "linear regression")?;
    if args.names.iter().any(|name| name.text != "proportional") {
        return Err(raise(
            Builtin::TypeError,
            "linear_regression() got an unexpected keyword argument",
        ));
    }
    let proportional = flag(args.named("proportional"), false)?;
    let (x_mean, y_mean) = if proportional { (0.0, 0.0) } else { (mean(&x)?, mean(&y)?) };
    let (both, xx) = (products(&x, x_mean, &y, y_mean)?, products(&x, x_mean, &x, x_mean)?);
    if xx == 0.0 {
        return Err(statistics_error("x is constant"));
    }
    let slope = both / xx;
    let intercept = if proportional { 0.0 } else { y_mean - slope * x_mean };
    let items = vec![Obj::Float(slope), Obj::Float(intercept)];
    Ok(REGRESSION.with(|class| named::instance(class, items)))
}
