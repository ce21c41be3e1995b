//! `uuid`: identifiers of 128 bits. Random ones come from the run's seed.

use std::any::Any;
use std::cmp::Ordering;

use md5::Md5;
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use sha1::Sha1;
use sha2::Digest;

use super::bind::{self, bind};
use super::declare::declare;
use crate::python::error::{Py, attribute_error, type_error, value_error};
use crate::python::object::{Args, Native, NativeType, Obj};
use crate::python::{arith, hash, state, text};

declare! {
    "uuid" {
        "uuid1" => |args| {
            let [_, _] = bind("uuid1", args, ["node", "clock_seq"], 0, 2)?;
            // Tenths of microseconds since the calendar of 1582.
            let time = (state::now_us() as u64).wrapping_mul(10).wrapping_add(0x01b2_1dd2_1381_4000);
            let random = state::random_u64();
            let low = u128::from(time & 0xffff_ffff) << 96;
            let middle = u128::from(time >> 32 & 0xffff) << 80;
            let high = u128::from(time >> 48 & 0xfff) << 64;
            // A node made at random has the multicast bit set.
            Ok(made(with_version(low | middle | high | u128::from(random) | 1 << 40, 1)))
        },
        "uuid3" => |args| named(args, "uuid3", 3),
        "uuid4" => |args| {
            let [] = bind("uuid4", args, [], 0, 0)?;
            let random = u128::from(state::random_u64()) << 64 | u128::from(state::random_u64());
            Ok(made(with_version(random, 4)))
        },
        "uuid5" => |args| named(args, "uuid5", 5),
    }
    {
        "NAMESPACE_DNS" => made(0x6ba7b810_9dad_11d1_80b4_00c04fd430c8),
        "NAMESPACE_OID" => made(0x6ba7b812_9dad_11d1_80b4_00c04fd430c8),
        "NAMESPACE_URL" => made(0x6ba7b811_9dad_11d1_80b4_00c04fd430c8),
        "NAMESPACE_X500" => made(0x6ba7b814_9dad_11d1_80b4_00c04fd430c8),
        "RESERVED_FUTURE" => Obj::str(VARIANTS[3]),
        "RESERVED_MICROSOFT" => Obj::str(VARIANTS[2]),
        "RESERVED_NCS" => Obj::str(VARIANTS[0]),
        "RFC_4122" => Obj::str(VARIANTS[1]),
        "UUID" => Obj::NativeType(&UUID),
    }
}

const VARIANTS: [&str; 4] = [
    "reserved for NCS compatibility",
    "specified in RFC 4122",
    "reserved for Microsoft compatibility",
    "reserved for future definition",
];

fn made(number: u128) -> Obj {
    Obj::native(Uuid(number))
}

fn with_version(number: u128, version: u128) -> u128 {
    number & !(0xf << 76) & !(3 << 62) | version << 76 | 2 << 62
}

fn named(args: &Args, function: &str, version: u128) -> Py {
    let [namespace, name] = bind(function, args, ["namespace", "name"], 2, 2)?;
    let (namespace, name) = (bind::need(namespace, function)?, bind::need(name, function)?);
    let Some(namespace) = namespace.as_native::<Uuid>() else {
        return Err(attribute_error(&text::type_name(namespace), "bytes"));
    };
    let mut bytes = namespace.0.to_be_bytes().to_vec();
    match name {
        Obj::Str(name) => bytes.extend_from_slice(name.as_bytes()),
        Obj::Bytes(name) if version == 3 => bytes.extend_from_slice(name),
        other => {
            return Err(type_error(format!(
                "encoding without a string argument: {}",
                text::type_name(other)
            )));
        }
    }
    let digest = match version {
        3 => Md5::digest(&bytes).as_slice().to_vec(),
        _ => Sha1::digest(&bytes).as_slice().to_vec(),
    };
    let number = digest.iter().take(16).fold(0u128, |n, byte| n << 8 | u128::from(*byte));
    Ok(made(with_version(number, version)))
}

static UUID: NativeType = NativeType {
    module: "uuid",
    name: "UUID",
    new,
    is_instance: |object| object.as_native::<Uuid>().is_some(),
    attribute: |_| None,
};

fn new(args: &Args) -> Py {
    let names = ["hex", "bytes", "int", "version"];
    let [hex, bytes, int, version] = bind("UUID.__init__", args, names, 0, 2)?;
    let (hex, bytes, int) = (bind::unless_none(hex), bind::unless_none(bytes), bind::unless_none(int));
    let number = match (hex, bytes, int) {
        (Some(Obj::Str(hex)), None, None) => of_text(hex)?,
        (Some(other), None, None) => return Err(attribute_error(&text::type_name(other), "replace")),
        (None, Some(bytes), None) => {
            let bytes = bind::bytes(bytes)?;
            let bytes = bytes.try_into().map_err(|_| value_error("bytes is not a 16-char string"))?;
            u128::from_be_bytes(bytes)
        }
        (None, None, Some(int)) => {
            let number = arith::as_big(int).map_or_else(|| arith::index(int).map(BigInt::from), Ok)?;
            number
                .to_u128()
                .ok_or_else(|| value_error("int is out of range (need a 128-bit value)"))?
        }
        _ => {
            return Err(type_error(
                "one of the hex, bytes, bytes_le, fields, or int arguments must be given",
            ));
        }
    };
    match bind::unless_none(version) {
        None => Ok(made(number)),
        Some(version) => match arith::index(version)? {
            version @ 1..=5 => Ok(made(with_version(number, version as u128))),
            _ => Err(value_error("illegal version number")),
        },
    }
}

fn of_text(text: &str) -> Py<u128> {
    let digits = text.replace("urn:", "").replace("uuid:", "");
    let digits = digits.trim_matches(['{', '}']).replace('-', "");
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(value_error("badly formed hexadecimal UUID string"));
    }
    u128::from_str_radix(&digits, 16).map_err(|_| value_error("badly formed hexadecimal UUID string"))
}

struct Uuid(u128);

impl Uuid {
    fn hex(&self) -> String {
        format!("{:032x}", self.0)
    }

    fn dashed(&self) -> String {
        let hex = self.hex();
        let part = |from, to| hex.get(from..to).unwrap_or_default();
        [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
    }

    fn bits(&self, shift: u32, bits: u32) -> i64 {
        (self.0 >> shift & ((1 << bits) - 1)) as i64
    }

    fn int(&self) -> Obj {
        Obj::big(BigInt::from(self.0))
    }
}

impl Native for Uuid {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn type_of(&self) -> &'static NativeType {
        &UUID
    }
    fn attribute(&self, name: &str) -> Py<Option<Obj>> {
        let variant = match self.bits(61, 3) {
            0..=3 => 0,
            4 | 5 => 1,
            6 => 2,
            _ => 3,
        };
        let fields = [(96, 32), (80, 16), (64, 16), (56, 8), (48, 8), (0, 48)].map(|(at, bits)| Obj::Int(self.bits(at, bits)));
        Ok(Some(match name {
            "hex" => Obj::str(self.hex()),
            "int" => self.int(),
            "bytes" => Obj::Bytes(self.0.to_be_bytes().as_slice().into()),
            "urn" => Obj::str(format!("urn:uuid:{}", self.dashed())),
            "variant" => Obj::str(VARIANTS[variant]),
            "version" if variant != 1 => Obj::None,
            "version" => Obj::Int(self.bits(76, 4)),
            "fields" => Obj::tuple(fields),
            "time_low" => Obj::Int(self.bits(96, 32)),
            "time_mid" => Obj::Int(self.bits(80, 16)),
            "time_hi_version" => Obj::Int(self.bits(64, 16)),
            "clock_seq" => Obj::Int(self.bits(48, 14)),
            "node" => Obj::Int(self.bits(0, 48)),
            "time" => Obj::Int(self.bits(64, 12) << 48 | self.bits(80, 16) << 32 | self.bits(96, 32)),
            _ => return Ok(None),
        }))
    }
    fn repr(&self) -> Py<String> {
        Ok(format!("UUID('{}')", self.dashed()))
    }
    fn str(&self) -> Py<String> {
        Ok(self.dashed())
    }
    fn equals(&self, other: &Obj) -> Py<Option<bool>> {
        Ok(other.as_native::<Uuid>().map(|other| other.0 == self.0))
    }
    fn order(&self, other: &Obj) -> Py<Option<Ordering>> {
        Ok(other.as_native::<Uuid>().map(|other| self.0.cmp(&other.0)))
    }
    fn hash(&self) -> Option<i64> {
        hash::hash(&self.int()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_and_shown_as_python_does() {
        let dashed = "12345678-1234-4678-9234-567812345678";
        for text in [
            dashed,
            "{12345678-1234-4678-9234-567812345678}",
            "urn:uuid:12345678-1234-4678-9234-567812345678",
            "12345678123446789234567812345678",
        ] {
            assert_eq!(Uuid(of_text(text).unwrap()).dashed(), dashed);
        }
        for text in ["", "x", "1234", "g2345678123446789234567812345678"] {
            assert!(of_text(text).is_err(), "{text}");
        }
        let id = Uuid(of_text(dashed).unwrap());
        let version = id.attribute("version").unwrap().unwrap();
        assert!(matches!(version, Obj::Int(4)));
    }

    #[test]
    fn a_name_has_one_identifier_in_a_namespace() {
        let dns = || Obj::native(Uuid(0x6ba7b810_9dad_11d1_80b4_00c04fd430c8));
        for (function, version, expected) in [
            ("uuid5", 5, "4f3f2898-69e3-5a0d-820a-c4e87987dbce"),
            ("uuid3", 3, "4c104dd0-4821-30d5-9ce3-0e7a1f8b7c0d"),
        ] {
            let made = named(&Args::positional(&[dns(), Obj::str("a")]), function, version).unwrap();
            let id = made.as_native::<Uuid>().unwrap();
            assert_eq!(id.dashed(), expected);
        }
    }
}
