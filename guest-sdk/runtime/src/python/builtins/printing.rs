//! `print`: its lines go to the log of the run.

use crate::python::error::{Py, type_error};
use crate::python::methods::signature::{Call, bounded};
use crate::python::object::Obj;
use crate::python::text::{push_str, type_name};
use crate::python::{compare, state};

/// `print(*objects, sep=' ', end='\n', file=None, flush=False)`
pub fn print(call: &Call) -> Py {
    let plain = call.args.plain();
    let known = ["sep", "end", "file", "flush"];
    if let Some(name) = call.args.names.iter().find(|name| !known.contains(&&name.text[..])) {
        return Err(type_error(format!(
            "'{}' is an invalid keyword argument for print()",
            name.text
        )));
    }
    let text_of = |name: &str, default: &'static str| match call.args.named(name) {
        None | Some(Obj::None) => Ok(std::borrow::Cow::Borrowed(default)),
        Some(Obj::Str(text)) => Ok(text.text.to_string().into()),
        Some(other) => Err(type_error(format!(
            "{name} must be None or a string, not {}",
            type_name(other)
        ))),
    };
    let (separator, end) = (text_of("sep", " ")?, text_of("end", "\n")?);
    if let Some(flush) = call.args.named("flush") {
        compare::truth(flush)?;
    }
    let mut line = String::new();
    for (at, object) in plain.iter().enumerate() {
        if at > 0 {
            line.push_str(&separator);
        }
        push_str(&mut line, object)?;
        bounded(line.len())?;
    }
    line.push_str(&end);
    state::print(line);
    Ok(Obj::None)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::python::object::{Args, Text};

    #[test]
    fn what_is_printed_without_a_line_break_goes_on_in_the_same_line_of_the_log() {
        let print_with = |object: &str, end: &str| {
            let values = [Obj::str(object), Obj::str(end)];
            let names = [Rc::new(Text::new("end"))];
            let args = Args {
                values: &values,
                names: &names,
            };
            print(&Call::new("", "print", &args)).unwrap();
        };
        for (object, end) in [("a", " "), ("b", ""), ("c", "\n"), ("d\ne", "\n"), ("", "\n"), ("f", ";")] {
            print_with(object, end);
        }
        let lines: Vec<String> = state::take_log().into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, ["a bc", "d\ne", "", "f;"]);
    }
}
