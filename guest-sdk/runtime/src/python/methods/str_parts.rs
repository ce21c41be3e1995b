//! The texts that a text is cut into. The same words stand in it again and again, and each needs to be made only once.

use std::rc::Rc;

use crate::python::hash;
use crate::python::iter;
use crate::python::object::{Obj, Text};
use crate::python::short;

/// Before so many parts have been made, none is remembered.
const FEW: usize = 32;
/// How many are remembered: the last of each remainder of the hash.
const PLACES: usize = 256;

/// Makes the parts of one text.
pub struct Parts<'a> {
    of: &'a Rc<Text>,
    is_ascii: bool,
    made: usize,
    /// How many needed not be made.
    spared: usize,
    known: Vec<Option<Rc<Text>>>,
}

impl<'a> Parts<'a> {
    pub fn new(of: &'a Rc<Text>) -> Self {
        Parts {
            of,
            is_ascii: of.is_ascii(),
            made: 0,
            spared: 0,
            known: Vec::new(),
        }
    }

    /// A part as an object: the text itself when it is all of it.
    #[inline]
    pub fn object(&mut self, part: &str) -> Obj {
        if part.len() == self.of.len() {
            return Obj::Str(self.of.clone());
        }
        if let [only] = part.as_bytes() {
            // Texts of one character are there already.
            return iter::character(char::from(*only));
        }
        if part.len() > short::MOST || self.made < FEW || self.spared < self.made / 8 - FEW / 8 {
            return Obj::Str(self.make(part));
        }
        Obj::Str(self.remembered(part))
    }

    #[inline]
    fn make(&mut self, part: &str) -> Rc<Text> {
        self.made += 1;
        let chars = if self.is_ascii { part.len() } else { part.chars().count() };
        short::object(part, chars)
    }

    fn remembered(&mut self, part: &str) -> Rc<Text> {
        let hash = hash::str(part);
        if self.known.is_empty() {
            self.known.resize(PLACES, None);
        }
        let at = hash as usize % PLACES;
        if let Some(Some(known)) = self.known.get(at)
            && hash::text(known) == hash
            && hash::same_bytes(known.as_bytes(), part.as_bytes())
        {
            self.spared += 1;
            return known.clone();
        }
        let made = self.make(part);
        made.hash.set(hash);
        if let Some(place) = self.known.get_mut(at) {
            *place = Some(made.clone());
        }
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_what_they_are_cut_from_however_many() {
        let words: Vec<String> = (0..2000).map(|n| format!("w{}ä", n % (1 + n / 7))).collect();
        let whole = Rc::new(Text::new(words.join(" ")));
        let mut parts = Parts::new(&whole);
        for word in &words {
            match parts.object(word) {
                Obj::Str(text) => assert_eq!((text.text.as_str(), text.chars), (word.as_str(), word.chars().count())),
                _ => panic!("a part is a text"),
            }
        }
        assert!(parts.spared > 0);
    }

    #[test]
    fn a_word_that_comes_again_is_the_same_object() {
        let whole = Rc::new(Text::new("never all of it"));
        let mut parts = Parts::new(&whole);
        let texts: Vec<Obj> = (0..100).map(|_| parts.object("word")).collect();
        assert_eq!(texts[98].address(), texts[99].address());
    }
}
