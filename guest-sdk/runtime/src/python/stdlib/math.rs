//! `math`: functions of real numbers. Floats as C's libm, integers exactly.

mod integers;
mod special;

use num_bigint::BigInt;
use num_traits::{FromPrimitive, Signed, ToPrimitive, Zero};

use super::bind;
use super::declare::declare;
use crate::py::elementary;
use crate::python::arith::{self, BinaryOp};
use crate::python::error::{Py, overflow_error, raise, type_error, value_error};
use crate::python::names::Builtin;
use crate::python::object::{Args, Name, Obj};
use crate::python::{attr, call, iter, text};

declare! {
    "math" {
        "acos" => |args| real(args, "math.acos", elementary::acos, false),
        "acosh" => |args| real(args, "math.acosh", elementary::acosh, false),
        "asin" => |args| real(args, "math.asin", elementary::asin, false),
        "asinh" => |args| real(args, "math.asinh", elementary::asinh, false),
        "atan" => |args| real(args, "math.atan", elementary::atan, false),
        "atan2" => |args| pair(args, "atan2").map(|(y, x)| Obj::Float(elementary::atan2(y, x))),
        "atanh" => |args| real(args, "math.atanh", elementary::atanh, false),
        "cbrt" => |args| real(args, "math.cbrt", f64::cbrt, false),
        "ceil" => |args| rounded(args, "math.ceil", "__ceil__", f64::ceil),
        "comb" => integers::comb,
        "copysign" => |args| pair(args, "copysign").map(|(x, y)| Obj::Float(x.copysign(y))),
        "cos" => |args| real(args, "math.cos", elementary::cos, false),
        "cosh" => |args| real(args, "math.cosh", elementary::cosh, true),
        "degrees" => |args| real(args, "math.degrees", |x| x * (180.0 / std::f64::consts::PI), true),
        "dist" => dist,
        "erf" => |args| real(args, "math.erf", special::erf, false),
        "erfc" => |args| real(args, "math.erfc", special::erfc, false),
        "exp" => |args| real(args, "math.exp", elementary::exp, true),
        "exp2" => |args| real(args, "math.exp2", elementary::exp2, true),
        "expm1" => |args| real(args, "math.expm1", f64::exp_m1, true),
        "fabs" => |args| real(args, "math.fabs", f64::abs, false),
        "factorial" => integers::factorial,
        "floor" => |args| rounded(args, "math.floor", "__floor__", f64::floor),
        "fmod" => fmod,
        "frexp" => frexp,
        "fsum" => fsum,
        "gamma" => gamma,
        "gcd" => integers::gcd,
        "hypot" => hypot,
        "isclose" => isclose,
        "isfinite" => |args| test(args, "math.isfinite", f64::is_finite),
        "isinf" => |args| test(args, "math.isinf", f64::is_infinite),
        "isnan" => |args| test(args, "math.isnan", f64::is_nan),
        "isqrt" => integers::isqrt,
        "lcm" => integers::lcm,
        "ldexp" => ldexp,
        "lgamma" => lgamma,
        "log" => log,
        "log10" => |args| one(args, "math.log10").and_then(|x| logarithm(x, elementary::log10)).map(Obj::Float),
        "log1p" => |args| real(args, "math.log1p", f64::ln_1p, false),
        "log2" => |args| one(args, "math.log2").and_then(|x| logarithm(x, elementary::log2)).map(Obj::Float),
        "modf" => modf,
        "nextafter" => nextafter,
        "perm" => integers::perm,
        "pow" => pow,
        "prod" => prod,
        "radians" => |args| real(args, "math.radians", |x| x * (std::f64::consts::PI / 180.0), false),
        "remainder" => remainder,
        "sin" => |args| real(args, "math.sin", elementary::sin, false),
        "sinh" => |args| real(args, "math.sinh", elementary::sinh, true),
        "sqrt" => |args| real(args, "math.sqrt", f64::sqrt, false),
        "tan" => |args| real(args, "math.tan", elementary::tan, false),
        "tanh" => |args| real(args, "math.tanh", elementary::tanh, false),
        "trunc" => trunc,
        "ulp" => ulp,
    }
    {
        "e" => Obj::Float(std::f64::consts::E),
        "inf" => Obj::Float(f64::INFINITY),
        "nan" => Obj::Float(f64::NAN),
        "pi" => Obj::Float(std::f64::consts::PI),
        "tau" => Obj::Float(std::f64::consts::TAU),
    }
}

fn domain<T>() -> Py<T> {
    Err(value_error("math domain error"))
}

fn range<T>() -> Py<T> {
    Err(overflow_error("math range error"))
}

/// The only argument.
fn one<'a>(args: &Args<'a>, function: &str) -> Py<&'a Obj> {
    if let ([value], []) = (args.values, args.names) {
        return Ok(value);
    }
    args.expect(function, 1, 1, &[])?;
    bind::need(args.plain().first(), function)
}

/// The only two arguments, as floats.
fn pair(args: &Args, function: &str) -> Py<(f64, f64)> {
    let (x, y) = two(args, function)?;
    Ok((arith::as_float(x)?, arith::as_float(y)?))
}

fn two<'a>(args: &Args<'a>, function: &str) -> Py<(&'a Obj, &'a Obj)> {
    args.expect(function, 2, 2, &[])?;
    match args.plain() {
        [x, y] => Ok((x, y)),
        _ => Err(type_error(format!("{function} expected 2 arguments"))),
    }
}

/// A function of one float: a result that is no number is outside the domain; an infinite one is too, or an overflow.
fn real(args: &Args, function: &str, compute: fn(f64) -> f64, may_overflow: bool) -> Py {
    let x = match one(args, function)? {
        Obj::Float(x) => *x,
        other => arith::as_float(other)?,
    };
    let result = compute(x);
    if result.is_finite() || x.is_nan() {
        return Ok(Obj::Float(result));
    }
    if result.is_nan() || (x.is_finite() && !may_overflow) {
        return domain();
    }
    if x.is_finite() {
        return range();
    }
    Ok(Obj::Float(result))
}

fn test(args: &Args, function: &str, compute: fn(f64) -> bool) -> Py {
    Ok(Obj::Bool(compute(arith::as_float(one(args, function)?)?)))
}

/// A finite float without a fraction, as an integer.
fn whole(value: f64) -> Py {
    if value.is_nan() {
        return Err(value_error("cannot convert float NaN to integer"));
    }
    if value.is_infinite() {
        return Err(overflow_error("cannot convert float infinity to integer"));
    }
    // Both bounds are exact powers of two, so no float in range rounds out of range.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value) {
        return Ok(Obj::Int(value as i64));
    }
    Ok(Obj::big(BigInt::from_f64(value).unwrap_or_default()))
}

/// The result of a special method that a user class (or another module's type) has.
fn special_method(value: &Obj, method: &str) -> Option<Py> {
    if !matches!(value, Obj::Instance(_) | Obj::Native(_)) {
        return None;
    }
    let name = Name::new(method);
    attr::getattr(value, &name).ok()?;
    Some(call::call_method(value, &name, &Args::positional(&[])))
}

fn rounded(args: &Args, function: &str, method: &str, round: fn(f64) -> f64) -> Py {
    match one(args, function)? {
        Obj::Float(x) => whole(round(*x)),
        Obj::Int(n) => Ok(Obj::Int(*n)),
        Obj::Bool(b) => Ok(Obj::Int(i64::from(*b))),
        big @ Obj::Big(_) => Ok(big.clone()),
        other => match special_method(other, method) {
            Some(result) => result,
            None => whole(round(arith::as_float(other)?)),
        },
    }
}

fn trunc(args: &Args) -> Py {
    match one(args, "math.trunc")? {
        Obj::Float(x) => whole(x.trunc()),
        Obj::Int(n) => Ok(Obj::Int(*n)),
        Obj::Bool(b) => Ok(Obj::Int(i64::from(*b))),
        big @ Obj::Big(_) => Ok(big.clone()),
        other => special_method(other, "__trunc__").unwrap_or_else(|| {
            Err(type_error(format!(
                "type {} doesn't define __trunc__ method",
                text::type_name(other)
            )))
        }),
    }
}

/// A logarithm of an integer of any size, or of a float.
fn logarithm(value: &Obj, compute: fn(f64) -> f64) -> Py<f64> {
    if let Obj::Big(n) = value {
        if !n.is_positive() {
            return domain();
        }
        if n.bits() > 1023 {
            // Of a number beyond the floats: its fraction, from a half to one, and its exponent.
            let head = (n.as_ref() >> (n.bits() - 1000)).to_f64().unwrap_or(1.0);
            let fraction = head * 2_f64.powi(-1000);
            return Ok(compute(fraction) + compute(2.0) * n.bits() as f64);
        }
    }
    let x = arith::as_float(value)?;
    if x.is_nan() || x == f64::INFINITY {
        return Ok(x);
    }
    if x > 0.0 { Ok(compute(x)) } else { domain() }
}

fn log(args: &Args) -> Py {
    if !args.names.is_empty() {
        return Err(type_error("math.log() takes no keyword arguments"));
    }
    match args.plain() {
        [x] => logarithm(x, elementary::ln).map(Obj::Float),
        [x, base] => {
            let (x, base) = (logarithm(x, elementary::ln)?, logarithm(base, elementary::ln)?);
            if base == 0.0 {
                return Err(raise(Builtin::ZeroDivisionError, "float division by zero"));
            }
            Ok(Obj::Float(x / base))
        }
        _ => Err(type_error("math.log requires 1 to 2 arguments")),
    }
}

fn pow(args: &Args) -> Py {
    let (x, y) = pair(args, "pow")?;
    let result = elementary::pow(x, y);
    if result.is_nan() && !x.is_nan() && !y.is_nan() {
        return domain();
    }
    if result.is_infinite() && x.is_finite() && y.is_finite() {
        return if x == 0.0 { domain() } else { range() };
    }
    Ok(Obj::Float(result))
}

fn fmod(args: &Args) -> Py {
    let (x, y) = pair(args, "fmod")?;
    let result = x % y;
    if result.is_nan() && !x.is_nan() && !y.is_nan() {
        return domain();
    }
    Ok(Obj::Float(result))
}

fn remainder(args: &Args) -> Py {
    let (x, y) = pair(args, "remainder")?;
    if x.is_nan() || y.is_nan() {
        return Ok(Obj::Float(x + y));
    }
    if x.is_infinite() || y == 0.0 {
        return domain();
    }
    if y.is_infinite() {
        return Ok(Obj::Float(x));
    }
    let (size, step) = (x.abs(), y.abs());
    let rest = size % step;
    let other = step - rest;
    let nearest = if rest < other {
        rest
    } else if rest > other {
        -other
    } else {
        // A tie goes to the even multiple.
        rest - 2.0 * ((0.5 * (size - rest)) % step)
    };
    Ok(Obj::Float(1f64.copysign(x) * nearest))
}

fn frexp(args: &Args) -> Py {
    let x = arith::as_float(one(args, "math.frexp")?)?;
    let (mantissa, exponent) = special::frexp(x);
    Ok(Obj::tuple([Obj::Float(mantissa), Obj::Int(i64::from(exponent))]))
}

fn ldexp(args: &Args) -> Py {
    let (x, exponent) = two(args, "ldexp")?;
    let x = arith::as_float(x)?;
    let exponent = match exponent {
        Obj::Int(n) => *n,
        Obj::Bool(b) => i64::from(*b),
        Obj::Big(n) => {
            if n.is_negative() {
                i64::MIN
            } else {
                i64::MAX
            }
        }
        _ => return Err(type_error("Expected an int as second argument to ldexp.")),
    };
    let result = special::ldexp(x, exponent.clamp(-5000, 5000) as i32);
    if result.is_infinite() && x.is_finite() {
        return range();
    }
    Ok(Obj::Float(result))
}

fn modf(args: &Args) -> Py {
    let x = arith::as_float(one(args, "math.modf")?)?;
    let whole = x.trunc();
    let fraction = if x.is_infinite() { 0.0 } else { x - whole };
    Ok(Obj::tuple([Obj::Float(fraction.copysign(x)), Obj::Float(whole)]))
}

fn nextafter(args: &Args) -> Py {
    let (x, y) = pair(args, "nextafter")?;
    Ok(Obj::Float(if x.is_nan() || y.is_nan() {
        x + y
    } else if x == y {
        y
    } else if y > x {
        x.next_up()
    } else {
        x.next_down()
    }))
}

fn ulp(args: &Args) -> Py {
    let x = arith::as_float(one(args, "math.ulp")?)?.abs();
    if !x.is_finite() {
        return Ok(Obj::Float(x));
    }
    let above = x.next_up();
    Ok(Obj::Float(if above.is_infinite() { x - x.next_down() } else { above - x }))
}

fn fsum(args: &Args) -> Py {
    let mut sum = special::Sum::default();
    iter::each(one(args, "math.fsum")?, |item| {
        sum.add(arith::as_float(&item)?)?;
        Ok(true)
    })?;
    sum.total().map(Obj::Float)
}

fn prod(args: &Args) -> Py {
    let [items] = args.plain() else {
        return Err(type_error(format!(
            "prod() takes exactly 1 positional argument ({} given)",
            args.plain().len()
        )));
    };
    args.expect("prod", 1, 1, &["start"])?;
    let mut product = args.named("start").cloned().unwrap_or(Obj::Int(1));
    iter::each(items, |item| {
        product = arith::binary(BinaryOp::Mul, false, &product, &item)?;
        Ok(true)
    })?;
    Ok(product)
}

fn hypot(args: &Args) -> Py {
    if !args.names.is_empty() {
        return Err(type_error("math.hypot() takes no keyword arguments"));
    }
    let sides = args.plain().iter().map(arith::as_float).collect::<Py<Vec<f64>>>()?;
    norm(sides)
}

fn dist(args: &Args) -> Py {
    let (p, q) = two(args, "dist")?;
    let (p, q) = (iter::collect(p)?, iter::collect(q)?);
    if p.len() != q.len() {
        return Err(value_error("both points must have the same number of dimensions"));
    }
    let mut sides = Vec::with_capacity(p.len());
    for (a, b) in p.iter().zip(&q) {
        sides.push(arith::as_float(a)? - arith::as_float(b)?);
    }
    norm(sides)
}

fn norm(mut sides: Vec<f64>) -> Py {
    for side in &mut sides {
        *side = side.abs();
    }
    Ok(Obj::Float(special::norm(&sides)))
}

fn isclose(args: &Args) -> Py {
    let given = args.plain().len();
    if given > 2 {
        return Err(type_error(format!(
            "isclose() takes exactly 2 positional arguments ({given} given)"
        )));
    }
    args.expect("isclose", 0, 2, &["a", "b", "rel_tol", "abs_tol"])?;
    let number = |at, name: &str| match args.get(at, name) {
        Some(value) => arith::as_float(value),
        None => Err(type_error(format!(
            "isclose() missing required argument '{name}' (pos {})",
            at + 1
        ))),
    };
    let (a, b) = (number(0, "a")?, number(1, "b")?);
    let tolerance = |name, default| args.named(name).map_or(Ok(default), arith::as_float);
    let (relative, absolute) = (tolerance("rel_tol", 1e-9)?, tolerance("abs_tol", 0.0)?);
    if relative < 0.0 || absolute < 0.0 {
        return Err(value_error("tolerances must be non-negative"));
    }
    if a == b {
        return Ok(Obj::Bool(true));
    }
    if a.is_infinite() || b.is_infinite() {
        return Ok(Obj::Bool(false));
    }
    let difference = (b - a).abs();
    Ok(Obj::Bool(
        difference <= (relative * b).abs() || difference <= (relative * a).abs() || difference <= absolute,
    ))
}

fn gamma(args: &Args) -> Py {
    let x = arith::as_float(one(args, "math.gamma")?)?;
    let pole = x == f64::NEG_INFINITY || (x <= 0.0 && x == x.floor());
    if pole {
        return domain();
    }
    let result = special::gamma(x);
    if result.is_infinite() && x.is_finite() {
        return range();
    }
    Ok(Obj::Float(result))
}

fn lgamma(args: &Args) -> Py {
    let x = arith::as_float(one(args, "math.lgamma")?)?;
    if x <= 0.0 && x == x.floor() && x.is_finite() {
        return domain();
    }
    let result = special::lgamma(x);
    if result.is_infinite() && x.is_finite() {
        return range();
    }
    Ok(Obj::Float(result))
}

/// The value of an integer argument of any size.
fn integer(value: &Obj) -> Py<BigInt> {
    match arith::as_big(value) {
        Some(n) => Ok(n),
        // `index` has the words for what it is not, and calls `__index__`.
        None => Ok(BigInt::from(arith::index(value)?)),
    }
}

/// A product of the numbers of a range, multiplied in halves so that large factors meet large ones.
fn product_of(first: u64, last: u64) -> BigInt {
    if first > last {
        return BigInt::from(1);
    }
    if last - first < 16 {
        let mut product = BigInt::from(first);
        for factor in first + 1..=last {
            product *= factor;
        }
        return product;
    }
    let middle = first + (last - first) / 2;
    product_of(first, middle) * product_of(middle + 1, last)
}

fn is_zero(n: &BigInt) -> bool {
    n.is_zero()
}
