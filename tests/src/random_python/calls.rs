//! Single calls of builtin functions, methods, operators and modules, with arguments of any kind: many are errors, whose texts count.
//!
//! A program is many functions of one call each, so that thousands are compared in little time.

use std::fmt::Write;

use crate::random::Random;

/// How many calls a program has.
pub const CALLS: usize = 50;

/// Arguments by kind; the first letter of each row names it.
const POOLS: [(char, &[&str]); 11] = [
    (
        'i',
        &[
            "0", "1", "2", "-1", "3", "-2", "7", "10", "255", "-17", "2**31", "2**63", "-2**63", "2**64+1", "-10**25", "True",
            "False", "5", "100", "97",
        ],
    ),
    (
        'f',
        &[
            "0.0",
            "-0.0",
            "0.5",
            "1.5",
            "2.5",
            "-3.75",
            "0.1",
            "1e16",
            "1e-7",
            "1e22",
            "1e300",
            "float('inf')",
            "float('nan')",
            "-2.0",
            "3.0",
            "123456.789",
            "1e-320",
        ],
    ),
    (
        's',
        &[
            "''",
            "'a'",
            "'Hello World'",
            "'  pad\\t'",
            "'a,b,,c'",
            "'line\\nnext\\r\\nlast'",
            "'42'",
            "'-1.5e3'",
            "'ÀéîøÜ'",
            "'straße'",
            "'日本語'",
            "'xxxxx'",
            "'😀!'",
            "\"it's\"",
            "'\\x00\\x7f\\xa0'",
            "'ǆ'",
            "'abcabc'",
            "'1_000'",
            "'Iİı'",
            "'%'",
            "'{}'",
            "'ab'",
            "' '",
            "'b\\x1cc\\x85d\\u2028e'",
            "'ﬁ'",
            "'²½'",
            "'Σας'",
            "'hELLO wORLD'",
            "'\\t\\n x'",
            "'__x__'",
        ],
    ),
    (
        'y',
        &[
            "b''",
            "b'a'",
            "b'Hello World'",
            "b' x,y '",
            "bytes([0, 255])",
            "b'abcabc'",
            "b'a\\nb\\r\\nc'",
            "b'42'",
        ],
    ),
    (
        'l',
        &[
            "[]",
            "[1]",
            "[3, 1, 2]",
            "[1, 2, 3, 4, 5]",
            "[True, 2, False]",
            "['b', 'a']",
            "[[1], [2, 3]]",
            "[None]",
            "[1.5, 2]",
            "list(range(8))",
            "['x', '', 'X']",
            "[(1, 'a'), (0, 'b')]",
        ],
    ),
    (
        't',
        &[
            "()",
            "(1,)",
            "(1, 2, 3)",
            "('a', 'b')",
            "(1, 'a', None)",
            "((1, 2), (3,))",
            "(3, 1, 2, 1)",
        ],
    ),
    (
        'd',
        &[
            "{}",
            "{'a': 1}",
            "{'b': 2, 'a': 1, 'key': 3}",
            "{1: 2, 3: 4}",
            "{'a': [1], 'b': {}}",
            "{None: 1, True: 2}",
            "{97: 'x', 98: None}",
            "{(1, 2): 3}",
        ],
    ),
    (
        'e',
        &[
            "set()",
            "{1}",
            "{1, 2, 3}",
            "{0, 5, -1}",
            "frozenset([2, 3])",
            "{1.5, 2}",
            "frozenset()",
            "set(range(12))",
        ],
    ),
    (
        'r',
        &[
            "range(5)",
            "range(0)",
            "range(6, -3, -2)",
            "range(10**18, 10**18+3)",
            "range(1, 10, 3)",
            "range(2**64, 2**64+9, 4)",
        ],
    ),
    (
        'c',
        &[
            "slice(1, 3)",
            "slice(None, None, -1)",
            "slice(-2, None)",
            "slice(5, 1, -2)",
            "slice(None)",
            "slice(0, 10, 0)",
        ],
    ),
    (
        'o',
        &[
            "None",
            "...",
            "NotImplemented",
            "len",
            "int",
            "str",
            "ValueError",
            "ValueError('x')",
            "(lambda x: x)",
            "(lambda: 1)",
            "object",
            "iter([1, 2])",
            "(x for x in [1, 2])",
            "zip([1], [2])",
            "sorted",
            "[].append",
            "''.join",
            "type(None)",
            "float",
        ],
    ),
];

/// Methods by the kind of what has them, with the kinds that their arguments most often are.
const METHODS: [(char, &str, &str); 9] = [
    ('i', "i", "bit_length bit_count conjugate as_integer_ratio"),
    ('f', "f", "is_integer as_integer_ratio hex conjugate"),
    (
        's',
        "sssi",
        "capitalize casefold center count encode endswith expandtabs find format index isalnum isalpha isascii isdecimal isdigit \
         isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip partition removeprefix removesuffix \
         replace rfind rindex rjust rpartition rsplit rstrip split splitlines startswith strip swapcase title upper zfill",
    ),
    (
        'y',
        "yyi",
        "count decode endswith find hex index isalnum isalpha isdigit islower isspace isupper join lower lstrip partition replace rfind \
         rsplit rstrip split splitlines startswith strip title upper zfill capitalize swapcase",
    ),
    (
        'l',
        "lti",
        "append clear copy count extend index insert pop remove reverse sort",
    ),
    ('t', "i", "count index"),
    ('d', "sdi", "clear copy get items keys pop popitem setdefault update values"),
    (
        'e',
        "eeli",
        "add clear copy difference difference_update discard intersection intersection_update isdisjoint issubset issuperset pop remove \
         symmetric_difference symmetric_difference_update union update",
    ),
    ('r', "if", "count index"),
];

const FUNCTIONS: &str = "len abs any all bin hex oct chr ord divmod enumerate filter format isinstance issubclass iter map max min \
                         next pow range repr ascii reversed round slice sorted sum zip bool int float str bytes list tuple dict set \
                         frozenset callable";

/// Functions of modules. What CPython says of a wrong number of arguments differs from one to the next, so that is left out.
const MEMBERS: [(&str, &str); 8] = [
    (
        "math",
        "sqrt floor ceil trunc gcd lcm comb perm factorial isqrt fabs fsum prod isclose isnan isinf isfinite copysign hypot degrees fmod \
         frexp modf remainder",
    ),
    (
        "itertools",
        "accumulate chain combinations compress dropwhile filterfalse pairwise permutations product starmap takewhile zip_longest",
    ),
    ("collections", "Counter deque"),
    (
        "statistics",
        "mean median median_low median_high mode multimode fmean pvariance",
    ),
    ("textwrap", "wrap fill dedent"),
    ("json", "dumps loads"),
    (
        "operator",
        "add sub mul truediv floordiv mod and_ or_ xor lt le eq ne contains countOf concat getitem neg not_ truth",
    ),
    ("functools", "reduce partial"),
];

const OPERATORS: [&str; 20] = [
    "+", "-", "*", "/", "//", "%", "&", "|", "^", ">>", "<", "<=", "==", "!=", ">", ">=", "in", "not in", "and", "or",
];

const NAMES: [&str; 8] = ["sep", "maxsplit", "key", "reverse", "keepends", "start", "default", "strict"];

/// A program and the text of each of its calls; `transform` returns a list with what each gave or raised.
pub fn program(random: &mut Random) -> (String, Vec<String>) {
    let calls: Vec<String> = (0..CALLS).map(|_| Caller { random }.statement()).collect();
    let mut text = PRELUDE.to_owned();
    for (at, call) in calls.iter().enumerate() {
        let _ = write!(text, "\n\ndef call{at}():\n");
        for line in call.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let names: Vec<String> = (0..CALLS).map(|at| format!("call{at}")).collect();
    let _ = write!(text, "\n\nCALLS = [{}]\n{EPILOGUE}", names.join(", "));
    (text, calls)
}

const PRELUDE: &str = "\
import collections, functools, itertools, json, math, operator, statistics, textwrap


def show(x, depth=0):
    if depth > 5:
        return '...'
    if isinstance(x, (set, frozenset)):
        shown = [show(i, depth + 1) for i in x]
        return [str(len(x)), shown if all([isinstance(i, (int, float)) for i in x]) else sorted(shown, key=str)]
    if isinstance(x, (list, tuple)):
        return [str(isinstance(x, list)), [show(i, depth + 1) for i in x]]
    if isinstance(x, dict):
        return ['dict', [[show(k, depth + 1), show(v, depth + 1)] for k, v in x.items()]]
    if callable(x) or hasattr(x, '__next__'):
        return 'an object'
    return repr(x)
";

const EPILOGUE: &str = "

def transform(_input):
    out = []
    for call in CALLS:
        try:
            got = call()
            if hasattr(got, '__next__'):
                got = list(itertools.islice(got, 50))
            out.append(['gave', show(got)])
        except Exception as error:
            out.append(['raised', repr(error), str(error)])
    return out
";

struct Caller<'a> {
    random: &'a mut Random,
}

impl Caller<'_> {
    fn one_of<'t>(&mut self, words: &'t str) -> &'t str {
        let words: Vec<&str> = words.split_whitespace().collect();
        let at = self.random.between(0, words.len() as u64 - 1);
        words[at as usize]
    }

    fn of_kind(&mut self, kind: char) -> &'static str {
        match POOLS.iter().find(|(known, _)| *known == kind) {
            Some((_, pool)) => pool[self.random.between(0, pool.len() as u64 - 1) as usize],
            None => "None",
        }
    }

    fn value(&mut self, nested: bool) -> String {
        if nested && self.random.one_in(8) {
            return self.tame(false);
        }
        let kind = *self
            .random
            .pick(&['i', 'i', 'i', 's', 's', 's', 'f', 'l', 't', 'd', 'e', 'y', 'r', 'c', 'o']);
        self.of_kind(kind).to_owned()
    }

    fn arguments(&mut self, hint: &str, nested: bool) -> String {
        let mut arguments = Vec::new();
        for _ in 0..*self.random.pick(&[0, 1, 1, 1, 2, 2, 3]) {
            let hinted = !hint.is_empty() && !self.random.one_in(3);
            arguments.push(match hinted {
                true => {
                    let kinds: Vec<char> = hint.chars().collect();
                    let kind = *self.random.pick(&kinds);
                    self.of_kind(kind).to_owned()
                }
                false => self.value(nested),
            });
        }
        if self.random.one_in(14) {
            let name = *self.random.pick(&NAMES);
            arguments.push(format!("{name}={}", self.value(false)));
        }
        arguments.join(", ")
    }

    fn call(&mut self, nested: bool) -> String {
        match self.random.between(0, 19) {
            0..=8 => {
                let (kind, hint, methods) = *self.random.pick(&METHODS);
                let method = self.one_of(methods);
                format!("({}).{method}({})", self.of_kind(kind), self.arguments(hint, nested))
            }
            9..=12 => format!("{}({})", self.one_of(FUNCTIONS), self.arguments("", nested)),
            13..=14 => {
                let (module, functions) = *self.random.pick(&MEMBERS);
                let function = self.one_of(functions);
                let (least, most) = match function {
                    "reduce" | "accumulate" | "isclose" => (2, 2),
                    "remainder" | "copysign" | "fmod" | "comb" | "combinations" | "compress" | "dropwhile" | "filterfalse"
                    | "starmap" | "takewhile" | "add" | "sub" | "mul" | "truediv" | "floordiv" | "mod" | "and_" | "or_"
                    | "xor" | "lt" | "le" | "eq" | "ne" | "contains" | "countOf" | "concat" | "getitem" => (2, 2),
                    "gcd" | "lcm" | "hypot" | "chain" | "product" | "zip_longest" => (0, 3),
                    _ => (1, 1),
                };
                let count = self.random.between(least, most);
                let arguments: Vec<String> = (0..count)
                    .map(|_| match module {
                        // Written in Python: what it says of other values comes from its inside.
                        "textwrap" => self.of_kind('s').to_owned(),
                        _ => self.value(nested),
                    })
                    .collect();
                format!("{module}.{function}({})", arguments.join(", "))
            }
            15..=17 => {
                let operator = *self.random.pick(&OPERATORS);
                let (left, mut right) = (self.value(nested), self.value(nested));
                // Nothing is repeated a thousand million times.
                if operator == "*" && format!("{left}{right}").contains("**") {
                    right = "2".to_owned();
                }
                format!("({left}) {operator} ({right})")
            }
            18 => {
                let operator = *self.random.pick(&["**", "<<"]);
                let exponent = *self.random.pick(&["0", "1", "-1", "2", "5", "3", "70", "True", "None"]);
                let kind = *self.random.pick(&['i', 'f', 's']);
                format!("({}) {operator} ({exponent})", self.of_kind(kind))
            }
            _ => format!("({})[{}]", self.value(nested), self.value(nested)),
        }
    }

    /// A call that is quickly done and gives the same in every run.
    fn tame(&mut self, nested: bool) -> String {
        loop {
            let call = self.call(nested);
            let large = call.contains("**");
            let grows = [
                "center", "just(", "zfill", "tabs", "bytes(", "pow(", "round(", "range(", "fact", "comb", "perm", "product",
            ];
            // The order of a set of texts is another one each time.
            let unordered = !nested && (call.contains("set(") || call.starts_with("({"));
            // Not supported: `%` of bytes.
            let of_bytes = call.contains("b'") || call.contains("bytes");
            let refused = of_bytes && (call.contains(") % (") || call.contains("operator.mod"));
            if !(unordered || refused || large && grows.iter().any(|name| call.contains(name))) {
                return call;
            }
        }
    }

    /// The body of a function.
    fn statement(&mut self) -> String {
        if !self.random.one_in(4) {
            return format!("return {}", self.tame(true));
        }
        // What a method leaves of the object is shown too.
        let (kind, hint, methods) = METHODS[*self.random.pick(&[4, 6, 7])];
        let method = self.one_of(methods);
        format!(
            "x = {}\ntry:\n    y = x.{method}({})\nexcept Exception as error:\n    y = repr(error)\nreturn [x, y]",
            self.of_kind(kind),
            self.arguments(hint, false)
        )
    }
}
