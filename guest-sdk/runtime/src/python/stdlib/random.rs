//! `random` over the run's seed.
//!
//! `random.seed(n)` gives the numbers that CPython gives. A generator that no program has seeded takes its seed from the run's source, so
//! a run that is computed again sees the same numbers.

mod draws;
mod twister;

use std::any::Any;
use std::cell::RefCell;

use num_bigint::BigInt;
use num_traits::Signed;
use sha2::{Digest, Sha512};

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::error::{Py, type_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::{arith, hash, iter, state};
use twister::Twister;

declare! {
    "random" {
        "betavariate" => |args| of_module("betavariate", args),
        "choice" => |args| of_module("choice", args),
        "choices" => |args| of_module("choices", args),
        "expovariate" => |args| of_module("expovariate", args),
        "gammavariate" => |args| of_module("gammavariate", args),
        "gauss" => |args| of_module("gauss", args),
        "getrandbits" => |args| of_module("getrandbits", args),
        "getstate" => |args| of_module("getstate", args),
        "lognormvariate" => |args| of_module("lognormvariate", args),
        "normalvariate" => |args| of_module("normalvariate", args),
        "paretovariate" => |args| of_module("paretovariate", args),
        "randbytes" => |args| of_module("randbytes", args),
        "randint" => |args| of_module("randint", args),
        "random" => |args| of_module("random", args),
        "randrange" => |args| of_module("randrange", args),
        "sample" => |args| of_module("sample", args),
        "seed" => |args| of_module("seed", args),
        "setstate" => |args| of_module("setstate", args),
        "shuffle" => |args| of_module("shuffle", args),
        "triangular" => |args| of_module("triangular", args),
        "uniform" => |args| of_module("uniform", args),
        "vonmisesvariate" => |args| of_module("vonmisesvariate", args),
        "weibullvariate" => |args| of_module("weibullvariate", args),
    }
    {
        "Random" => Obj::NativeType(&RANDOM),
        "SystemRandom" => Obj::NativeType(&SYSTEM_RANDOM),
    }
}

thread_local! {
    /// The generator behind the functions of the module; `None` until it is used.
    static MODULE: RefCell<Option<Source>> = const { RefCell::new(None) };
}

/// Forgets what a program did to the module's generator.
pub fn reset() {
    MODULE.set(None);
}

/// A generator, and the second of the pair of numbers that `gauss` makes.
struct Source {
    twister: Twister,
    gauss_next: Option<f64>,
}

impl Source {
    fn of_run() -> Self {
        let (a, b) = (state::random_u64(), state::random_u64());
        Source::of_key(&[a as u32, (a >> 32) as u32, b as u32, (b >> 32) as u32])
    }

    fn of_key(key: &[u32]) -> Self {
        Source {
            twister: Twister::of_key(key),
            gauss_next: None,
        }
    }

    fn of_number(number: &BigInt) -> Self {
        let words = number.magnitude().to_u32_digits();
        Source::of_key(if words.is_empty() { &[0] } else { &words })
    }

    /// The generator that `seed(value)` makes.
    fn seeded(value: Option<&Obj>) -> Py<Self> {
        let bytes: Vec<u8> = match value {
            None | Some(Obj::None) => return Ok(Source::of_run()),
            Some(Obj::Str(text)) => text.as_bytes().to_vec(),
            Some(Obj::Bytes(bytes)) => bytes.to_vec(),
            Some(Obj::Float(_)) => {
                let hash = hash::hash(value.unwrap_or(&Obj::None))? as u64;
                return Ok(Source::of_number(&BigInt::from(hash)));
            }
            Some(number) => match arith::as_big(number) {
                Some(number) => return Ok(Source::of_number(&number.abs())),
                None => {
                    return Err(type_error(
                        "The only supported seed types are: None,\nint, float, str, bytes, and bytearray.",
                    ));
                }
            },
        };
        let mut seed = bytes.clone();
        seed.extend_from_slice(Sha512::digest(&bytes).as_slice());
        Ok(Source::of_number(&BigInt::from_bytes_be(num_bigint::Sign::Plus, &seed)))
    }
}

/// A function of the module: a method of its hidden generator.
fn of_module(name: &'static str, args: &Args) -> Py {
    MODULE.with(|place| call(place, name, args))
}

/// Calls a method of the generator in `place`. No code of the program runs while it is borrowed: arguments are read first.
fn call(place: &RefCell<Option<Source>>, name: &str, args: &Args) -> Py {
    let with = |work: &mut dyn FnMut(&mut Source) -> Py| {
        let mut source = place.borrow_mut();
        work(source.get_or_insert_with(Source::of_run))
    };
    match name {
        "random" => {
            args.expect("Random.random", 0, 0, &[])?;
            with(&mut |source| Ok(Obj::Float(source.twister.float())))
        }
        "seed" => {
            let [value, _version] = bind("Random.seed", args, ["a", "version"], 0, 2)?;
            let source = Source::seeded(value)?;
            place.replace(Some(source));
            Ok(Obj::None)
        }
        "randint" => {
            let [a, b] = bind("Random.randint", args, ["a", "b"], 2, 2)?;
            let last = arith::binary(arith::BinaryOp::Add, false, bind::need(b, "randint")?, &Obj::Int(1))?;
            let range = draws::Span::of(bind::need(a, "randint")?, Some(&last), None)?;
            with(&mut |source| range.draw(&mut source.twister))
        }
        "randrange" => {
            let [start, stop, step] = bind("Random.randrange", args, ["start", "stop", "step"], 1, 3)?;
            let range = draws::Span::of(bind::need(start, "randrange")?, bind::unless_none(stop), step)?;
            with(&mut |source| range.draw(&mut source.twister))
        }
        "getrandbits" => {
            args.expect("Random.getrandbits", 1, 1, &[])?;
            let bits = arith::index(bind::need(args.plain().first(), "getrandbits")?)?;
            let bits = draws::bit_count(bits)?;
            with(&mut |source| Ok(Obj::big(BigInt::from(source.twister.big_bits(bits)))))
        }
        "randbytes" => {
            let [n] = bind("Random.randbytes", args, ["n"], 1, 1)?;
            let n = arith::index(bind::need(n, "randbytes")?)?;
            let bits = draws::bit_count(n.saturating_mul(8))?;
            with(&mut |source| {
                let mut bytes = source.twister.big_bits(bits).to_bytes_le();
                bytes.resize(bits as usize / 8, 0);
                Ok(Obj::Bytes(bytes.into()))
            })
        }
        "choice" => {
            let [items] = bind("Random.choice", args, ["seq"], 1, 1)?;
            let items = bind::need(items, "choice")?;
            let len = iter::length(items)?;
            if len == 0 {
                return Err(crate::python::error::index_error("Cannot choose from an empty sequence"));
            }
            let at = with(&mut |source| Ok(Obj::Int(source.twister.below(len as u64) as i64)))?;
            crate::python::subscript::getitem(items, &at)
        }
        "shuffle" => {
            let [items] = bind("Random.shuffle", args, ["x"], 1, 1)?;
            draws::shuffle(bind::need(items, "shuffle")?, &mut |n| {
                let mut source = place.borrow_mut();
                source.get_or_insert_with(Source::of_run).twister.below(n)
            })
        }
        "sample" => {
            let [population, k, counts] = bind("Random.sample", args, ["population", "k", "counts"], 2, 2)?;
            let (population, k) = (bind::need(population, "sample")?, bind::need(k, "sample")?);
            draws::sample(population, k, bind::unless_none(counts), &mut |n| {
                let mut source = place.borrow_mut();
                source.get_or_insert_with(Source::of_run).twister.below(n)
            })
        }
        "choices" => draws::choices(args, &mut || {
            let mut source = place.borrow_mut();
            source.get_or_insert_with(Source::of_run).twister.float()
        }),
        "uniform" => {
            let [a, b] = bind("Random.uniform", args, ["a", "b"], 2, 2)?;
            let (a, b) = (bind::need(a, "uniform")?, bind::need(b, "uniform")?);
            let width = arith::binary(arith::BinaryOp::Sub, false, b, a)?;
            let random = with(&mut |source| Ok(Obj::Float(source.twister.float())))?;
            let part = arith::binary(arith::BinaryOp::Mul, false, &width, &random)?;
            arith::binary(arith::BinaryOp::Add, false, a, &part)
        }
        "getstate" => {
            args.expect("Random.getstate", 0, 0, &[])?;
            with(&mut |source| Ok(draws::state_of(&source.twister, source.gauss_next)))
        }
        "setstate" => {
            let [value] = bind("Random.setstate", args, ["state"], 1, 1)?;
            let (twister, gauss_next) = draws::of_state(bind::need(value, "setstate")?)?;
            place.replace(Some(Source { twister, gauss_next }));
            Ok(Obj::None)
        }
        _ => {
            let numbers = draws::Distribution::of(name, args)?;
            with(&mut |source| numbers.draw(&mut source.twister, &mut source.gauss_next))
        }
    }
}

/// `random.Random`
static RANDOM: NativeType = NativeType {
    module: "random",
    name: "Random",
    new: |args| {
        let [seed] = bind("Random.__init__", args, ["x"], 0, 1)?;
        let source = Source::seeded(seed)?;
        Ok(Obj::native(Random(RefCell::new(Some(source)))))
    },
    is_instance: |object| object.as_native::<Random>().is_some(),
    attribute: |_| None,
};

/// The run's seed is all the entropy there is.
static SYSTEM_RANDOM: NativeType = NativeType {
    module: "random",
    name: "SystemRandom",
    new: |_| Ok(Obj::native(Random(RefCell::new(Some(Source::of_run()))))),
    is_instance: |_| false,
    attribute: |_| None,
};

struct Random(RefCell<Option<Source>>);

impl Native for Random {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &RANDOM
    }
    fn has_method(&self, name: &str) -> bool {
        FUNCTIONS.iter().any(|function| function.name == name)
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        if !self.has_method(name) {
            return Ok(None);
        }
        call(&self.0, name, args).map(Some)
    }
    fn repr(&self) -> Py<String> {
        Ok("<random.Random object>".into())
    }
}
