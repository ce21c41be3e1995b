//! Python's semantics over [`Value`](crate::value::Value), one concern a file.
//!
//! Flows are written against a Python runtime: `str()` of a float, truth of an empty list or the
//! remainder of a negative number show in their results. These functions give the same answers and
//! raise the same errors, as [`Error`]. None of them follows a value deeper than 128 levels.

pub mod arith;
pub mod chars;
mod compare;
mod convert;
pub mod elementary;
mod error;
pub mod float_format;
pub mod format;
pub mod format_spec;
pub mod literal;
mod number_text;
pub mod path;
pub mod slice;
pub mod text;
mod truth;

pub use compare::{Number, eq, order, order_numbers};
pub use convert::{iterate, parse_float, to_dict, to_float, to_index, to_int, truncate, type_name};
pub use error::{Error, Kind, Result};
pub use number_text::{FloatText, IntText};
pub use text::{big_text, push_ascii, push_quoted, push_repr, push_str, repr, str};
pub use truth::truthy;
