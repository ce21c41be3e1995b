//! f-strings.

use ruff_python_ast::{ConversionFlag, ExprFString, FStringPart, InterpolatedElement, InterpolatedStringElement as Element};

use super::Lowerer;
use crate::python::mir::{Arg, Slot};
use crate::python::rt;

/// A piece of an f-string.
enum Piece<'a> {
    Text(String),
    Field(&'a InterpolatedElement),
}

impl Lowerer<'_> {
    pub(super) fn fstring(&mut self, dst: Slot, string: &ExprFString) {
        let mut pieces = Vec::new();
        for part in &string.value {
            match part {
                FStringPart::Literal(literal) => text(&mut pieces, &literal.value),
                FStringPart::FString(fstring) => split(&mut pieces, fstring.elements.iter()),
            }
        }
        self.pieces(dst, &pieces);
    }

    fn pieces(&mut self, dst: Slot, pieces: &[Piece<'_>]) {
        match pieces {
            [] => return self.frame.text(dst, ""),
            [piece] => return self.piece(dst, piece),
            _ => {}
        }
        let from = self.frame.temps(pieces.len());
        for (slot, piece) in (from..).zip(pieces) {
            self.piece(slot, piece);
        }
        self.frame.rt(
            &rt::py_join,
            [Arg::Slot(dst), Arg::Slot(from), Arg::Word(pieces.len() as u32)],
        );
    }

    fn piece(&mut self, dst: Slot, piece: &Piece<'_>) {
        let field = match piece {
            Piece::Text(text) => return self.frame.text(dst, text),
            Piece::Field(field) => field,
        };
        let mark = self.frame.mark();
        let value = self.slot(&field.expression);
        let spec = match &field.format_spec {
            None => Arg::Absent,
            Some(spec) => {
                let mut pieces = Vec::new();
                split(&mut pieces, spec.elements.iter());
                let slot = self.frame.temp();
                self.pieces(slot, &pieces);
                Arg::Slot(slot)
            }
        };
        let conversion = match (field.conversion, &field.debug_text, &field.format_spec) {
            (ConversionFlag::Str, ..) => 1,
            (ConversionFlag::Repr, ..) | (ConversionFlag::None, Some(_), None) => 2,
            (ConversionFlag::Ascii, ..) => 3,
            (ConversionFlag::None, ..) => 0,
        };
        self.frame.rt(
            &rt::py_format,
            [Arg::Slot(dst), Arg::Slot(value), Arg::Word(conversion), spec],
        );
        self.frame.release(mark);
    }
}

fn split<'a>(pieces: &mut Vec<Piece<'a>>, elements: impl Iterator<Item = &'a Element>) {
    for element in elements {
        match element {
            Element::Literal(literal) => text(pieces, &literal.value),
            Element::Interpolation(field) => {
                if let Some(debug) = &field.debug_text {
                    text(pieces, debug.as_str());
                }
                pieces.push(Piece::Field(field));
            }
        }
    }
}

/// Neighbouring texts are one.
fn text(pieces: &mut Vec<Piece<'_>>, more: &str) {
    match pieces.last_mut() {
        Some(Piece::Text(text)) => text.push_str(more),
        _ if more.is_empty() => {}
        _ => pieces.push(Piece::Text(more.to_owned())),
    }
}
