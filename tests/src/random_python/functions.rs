//! Functions of the program: their parameters, their bodies, and calls that fit them or do not.

use super::maker::{Maker, Place, Variable, indented};

#[derive(Debug, Clone)]
pub(super) struct Function {
    name: String,
    returns: char,
    /// Called with the kind's letter, in their order.
    parameters: Vec<Parameter>,
}

#[derive(Debug, Clone)]
struct Parameter {
    name: String,
    kind: char,
    style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Default,
    Rest,
    Keyword,
    Keywords,
}

const RETURNS: [char; 10] = ['i', 'i', 's', 's', 'l', 't', 'b', 'd', 'p', 'f'];

impl Maker<'_> {
    /// A function at the module's level, which calls only those before it and so ends.
    pub(super) fn function(&mut self) -> String {
        let returns = *self.pick(&['i', 's', 'l', 'g', 'g', 'f', 'd', 'b', 't', 'p']);
        let name = self.fresh('f');
        let mut parameters = Vec::new();
        let mut add = |maker: &mut Self, style, kind| {
            let name = maker.fresh(kind);
            parameters.push(Parameter { name, kind, style });
        };
        for _ in 0..self.between(0, 2) {
            let kind = *self.pick(&RETURNS);
            add(self, Style::Plain, kind);
        }
        if self.random.one_in(2) {
            let kind = *self.pick(&RETURNS);
            add(self, Style::Default, kind);
        }
        if self.random.one_in(4) {
            add(self, Style::Rest, 'l');
        }
        if self.random.one_in(4) {
            let kind = *self.pick(&RETURNS);
            add(self, Style::Keyword, kind);
        }
        if self.random.one_in(5) {
            add(self, Style::Keywords, 'd');
        }
        let mut list = Vec::new();
        let has_rest = parameters.iter().any(|parameter| parameter.style == Style::Rest);
        for (at, Parameter { name, kind, style }) in parameters.iter().enumerate() {
            // Keyword parameters need a star before them.
            let first = *style == Style::Keyword && !has_rest;
            if first {
                list.push("*".to_owned());
            }
            list.push(match style {
                Style::Plain if *kind == 'i' && at == 0 && self.random.one_in(6) => format!("{name}, /"),
                Style::Plain => name.clone(),
                // A default is made once and may be changed by a call.
                Style::Default | Style::Keyword => format!("{name}={}", self.expression(*kind, 0)),
                Style::Rest => format!("*{name}"),
                Style::Keywords => format!("**{name}"),
            });
        }
        let locals = parameters.iter().map(|parameter| Variable {
            name: parameter.name.clone(),
            kind: parameter.kind,
            local: true,
        });
        self.scope = locals.collect();
        let rest = parameters.iter().find(|parameter| parameter.style == Style::Rest);
        let rest = rest.map_or_else(String::new, |Parameter { name, .. }| format!("{name} = list({name})\n"));
        let body = rest + &self.body(returns);
        self.scope.clear();
        let text = format!("\n\ndef {name}({}):\n{}", list.join(", "), indented(&body, 4));
        self.functions.push(Function {
            name,
            returns,
            parameters,
        });
        text
    }

    /// Statements that end by giving a value of this kind; a generator's, if the kind is an iterable.
    fn body(&mut self, returns: char) -> String {
        let generator = returns == 'g';
        let place = Place {
            generator,
            returns,
            ..Place::default()
        };
        let mut body = "tick()\n".to_owned();
        for _ in 0..self.between(1, 3) {
            body += &self.statement(place);
        }
        body += &match generator {
            true => format!("yield {}\n", self.expression('i', 1)),
            false => format!("return clip({})\n", self.expression(returns, 2)),
        };
        body
    }

    /// One part of the program: what it returns or raises is compared.
    pub(super) fn part(&mut self, number: u64) -> String {
        self.scope.clear();
        let mut body = String::new();
        let place = Place {
            returns: 'a',
            ..Place::default()
        };
        for _ in 0..self.between(4, 8) {
            let statement = self.statement(place);
            // Mostly what fails is noted and the part goes on.
            body += &match self.random.one_in(6) || statement.starts_with("note(") && self.random.one_in(2) {
                true => statement,
                false => format!(
                    "try:\n{}except Exception as error:\n    fail(error)\n",
                    indented(&statement, 4)
                ),
            };
        }
        let shown: Vec<String> = (0..self.between(1, 4)).map(|_| self.expression('a', 2)).collect();
        body += &format!("return [{}]\n", shown.join(", "));
        format!("\n\ndef part{number}():\n{}", indented(&body, 4))
    }

    /// A call of a function that gives this kind.
    pub(super) fn call(&mut self, kind: char, depth: usize) -> Option<String> {
        let fits: Vec<Function> = self
            .functions
            .iter()
            .filter(|function| function.returns == kind)
            .cloned()
            .collect();
        if fits.is_empty() {
            return None;
        }
        let function = self.pick(&fits).clone();
        let mut by_name = false;
        let mut arguments = Vec::new();
        for Parameter { name, kind, style } in &function.parameters {
            let value = self.expression(*kind, depth);
            match style {
                Style::Plain | Style::Default if by_name || self.random.one_in(5) => {
                    by_name = true;
                    if *style == Style::Plain || self.random.one_in(2) {
                        arguments.push(format!("{name}={value}"));
                    }
                }
                Style::Plain => arguments.push(value),
                Style::Default if self.random.one_in(2) => by_name = true,
                Style::Default => arguments.push(value),
                Style::Rest if by_name => {}
                Style::Rest => arguments.push(format!("*{value}")),
                Style::Keyword if self.random.one_in(2) => arguments.push(format!("{name}={value}")),
                Style::Keyword => {}
                Style::Keywords => arguments.push(format!("**{value}")),
            }
        }
        // One too few, one too many, or one that is not there.
        if self.random.one_in(20) {
            arguments.pop();
        } else if self.random.one_in(40) {
            arguments.insert(0, self.expression('i', 0));
        } else if self.random.one_in(40) && !arguments.iter().any(|argument| argument.starts_with("**")) {
            arguments.push("other=1".to_owned());
        }
        Some(format!("{}({})", function.name, arguments.join(", ")))
    }
}
