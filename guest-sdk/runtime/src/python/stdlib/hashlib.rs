//! `hashlib`: digests of bytes.

use std::any::Any;
use std::cell::RefCell;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::error::{Py, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::set::SetTable;

declare! {
    "hashlib" {
        "md5" => |args| start("md5", args),
        "new" => |args| {
            let [name, data, _] = bind("new", args, ["name", "data", "usedforsecurity"], 1, 2)?;
            let Some(Obj::Str(name)) = name else {
                return Err(type_error("name must be a string"));
            };
            let Some(state) = State::of(&name.to_ascii_lowercase()) else {
                return Err(value_error(format!("unsupported hash type {}", name.text)));
            };
            begin(state, data)
        },
        "sha1" => |args| start("sha1", args),
        "sha224" => |args| start("sha224", args),
        "sha256" => |args| start("sha256", args),
        "sha384" => |args| start("sha384", args),
        "sha512" => |args| start("sha512", args),
    }
    {
        "algorithms_available" => algorithms(),
        "algorithms_guaranteed" => algorithms(),
    }
}

fn algorithms() -> Obj {
    let mut table = SetTable::default();
    for name in ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"] {
        // A text is always hashable.
        let _ = table.add(Obj::str(name));
    }
    Obj::set(table, false)
}

#[derive(Clone)]
enum State {
    Md5(Md5),
    Sha1(Sha1),
    Sha224(Sha224),
    Sha256(Sha256),
    Sha384(Sha384),
    Sha512(Sha512),
}

/// The same expression for each kind of digest.
macro_rules! each {
    ($state:expr, $hash:ident => $work:expr) => {
        match $state {
            State::Md5($hash) => $work,
            State::Sha1($hash) => $work,
            State::Sha224($hash) => $work,
            State::Sha256($hash) => $work,
            State::Sha384($hash) => $work,
            State::Sha512($hash) => $work,
        }
    };
}

impl State {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "md5" => State::Md5(Md5::new()),
            "sha1" => State::Sha1(Sha1::new()),
            "sha224" => State::Sha224(Sha224::new()),
            "sha256" => State::Sha256(Sha256::new()),
            "sha384" => State::Sha384(Sha384::new()),
            "sha512" => State::Sha512(Sha512::new()),
            _ => return None,
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        each!(self, hash => hash.update(bytes));
    }

    fn digest(&self) -> Vec<u8> {
        each!(self, hash => hash.clone().finalize().as_slice().to_vec())
    }

    /// Name, bytes of a digest and of a block.
    fn about(&self) -> (&'static str, i64, i64) {
        match self {
            State::Md5(_) => ("md5", 16, 64),
            State::Sha1(_) => ("sha1", 20, 64),
            State::Sha224(_) => ("sha224", 28, 64),
            State::Sha256(_) => ("sha256", 32, 64),
            State::Sha384(_) => ("sha384", 48, 128),
            State::Sha512(_) => ("sha512", 64, 128),
        }
    }
}

fn start(name: &str, args: &Args) -> Py {
    let [data, _] = bind(name, args, ["string", "usedforsecurity"], 0, 1)?;
    match State::of(name) {
        Some(state) => begin(state, data),
        None => Err(value_error(format!("unsupported hash type {name}"))),
    }
}

fn begin(mut state: State, data: Option<&Obj>) -> Py {
    if let Some(data) = data {
        state.update(hashable(data)?);
    }
    Ok(Obj::native(Hash(RefCell::new(state))))
}

fn hashable(data: &Obj) -> Py<&[u8]> {
    match data {
        Obj::Bytes(bytes) => Ok(bytes),
        Obj::Str(_) => Err(type_error("Strings must be encoded before hashing")),
        _ => Err(type_error("object supporting the buffer API required")),
    }
}

static HASH: NativeType = NativeType {
    module: "_hashlib",
    name: "HASH",
    new: |_| Err(type_error("cannot create '_hashlib.HASH' instances")),
    is_instance: |object| object.as_native::<Hash>().is_some(),
    attribute: |_| None,
};

struct Hash(RefCell<State>);

impl Native for Hash {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &HASH
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        let (algorithm, digest, block) = self.0.borrow().about();
        Ok(match name {
            "name" => Some(Obj::str(algorithm)),
            "digest_size" => Some(Obj::Int(digest)),
            "block_size" => Some(Obj::Int(block)),
            _ => None,
        })
    }
    fn has_method(&self, name: &str) -> bool {
        matches!(name, "update" | "digest" | "hexdigest" | "copy")
    }
    fn method(&self, _this: &Obj, name: &str, args: &Args) -> Py<Option<Obj>> {
        let none = |name: &str| args.expect(&format!("HASH.{name}"), 0, 0, &[]);
        Ok(Some(match name {
            "update" => {
                args.expect("HASH.update", 1, 1, &[])?;
                let data = bind::need(args.plain().first(), "update")?;
                self.0.borrow_mut().update(hashable(data)?);
                Obj::None
            }
            "digest" => {
                none(name)?;
                Obj::Bytes(self.0.borrow().digest().into())
            }
            "hexdigest" => {
                none(name)?;
                Obj::str(hex(&self.0.borrow().digest()))
            }
            "copy" => {
                none(name)?;
                Obj::native(Hash(RefCell::new(self.0.borrow().clone())))
            }
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("<{} _hashlib.HASH object>", self.0.borrow().about().0))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{State, hex};

    #[test]
    fn digests_are_those_of_the_standards() {
        for (name, digest) in [
            ("md5", "900150983cd24fb0d6963f7d28e17f72"),
            ("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            ("sha224", "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
            ("sha256", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "sha384",
                "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
            ),
            (
                "sha512",
                "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            ),
        ] {
            let mut state = State::of(name).unwrap();
            state.update(b"a");
            state.update(b"bc");
            assert_eq!(hex(&state.digest()), digest);
            assert_eq!(state.about().1 * 2, digest.len() as i64);
        }
    }
}
