//! Expressions of strings and of lists of them, and formatting with random specifications.

use super::maker::Maker;

pub(super) const TEMPLATES: &[&str] = &[
    "($s + $s)",
    "($s * $k)",
    "str($a)",
    "repr($a)",
    "str($i)",
    "repr($f)",
    "$s[$k]",
    "$s[$i % 4]",
    "$s[$i:]",
    "$s[:$i]",
    "$s[::-1]",
    "$s[$k:$i:2]",
    "$s.upper()",
    "$s.lower()",
    "$s.title()",
    "$s.capitalize()",
    "$s.swapcase()",
    "$s.casefold()",
    "$s.strip()",
    "$s.lstrip($w)",
    "$s.rstrip('lo d')",
    "$s.replace($w, $w)",
    "$s.replace('a', $w, $k)",
    "$s.center($i % 20, '*')",
    "$s.ljust($i % 12)",
    "$s.rjust(12, '-')",
    "$s.zfill($i % 9)",
    "$s.removeprefix($w)",
    "$s.removesuffix('o')",
    "$s.join($t)",
    "','.join($t)",
    "' '.join(map(str, $l))",
    "''.join(@s * 2 for @s in $t)",
    "''.join(sorted($s))",
    "''.join(reversed($s))",
    "$t[$k]",
    "$t[$i % 2]",
    "$p[1]",
    "max($t)",
    "min($t, key=len, default='none')",
    "max($s)",
    "chr($i % 1000 + 32)",
    "hex($i)",
    "bin($i)",
    "oct($i)",
    "($s if $b else $s)",
    "($s or $s)",
    "$s.expandtabs($k)",
    "$s.partition($w)[0]",
    "$s.format($a)",
    "'{} {}'.format($a, $i)",
    "'{1}-{0!r}'.format($s, $a)",
    "'{x:>8}|{y}'.format(x=$s, y=$i)",
    "'{0[1]}'.format($l)",
    "'%s=%d' % ($a, $i)",
    "'%5.2f|%-6s|%x' % ($f, $s, $i)",
    "'%r %%' % ($a,)",
    "'%(key)s' % $d",
    "'%+d % d %05d' % ($i, $i, $i)",
    "'%e %g' % ($f, $f)",
    "'%c%s' % ($s, $f)",
    "$s.translate({97: 'A', 98: None})",
    "$s.translate(str.maketrans('abc', 'xyz'))",
    "ascii($s)",
    "(lambda @s: $S)($s)",
    "format($i, ',')",
    "$o.name",
    "str($o)",
    "repr($o)",
    "repr([$o, $a])",
    "$s.encode().decode()",
    "next(iter($t), 'end')",
    "sorted($t)[-1]",
    "str([$a, $a])",
    "str({$w: $a})",
    "str(($a,))",
    "repr($m)",
    "$s.encode('utf-8').hex()",
    "str($x)",
    "repr($x)",
    "str($b)",
];

pub(super) const LISTS: &[&str] = &[
    "[$s, $s]",
    "[*$t, $s]",
    "$s.split()",
    "$s.split($w)",
    "$s.split(',', $k)",
    "$s.rsplit(None, $k)",
    "$s.splitlines()",
    "$s.splitlines(True)",
    "list($s)",
    "sorted($t)",
    "sorted($t, key=len)",
    "sorted($t, key=lambda @s: $I)",
    "sorted($s, reverse=True)",
    "sorted($d)",
    "list($d)",
    "list($d.keys())",
    "[$S for @s in $t]",
    "[$S for @i in $g]",
    "[$S for @i, @s in enumerate($t)]",
    "[$S for @i, @s in enumerate($t, $i)]",
    "list(map(str, $l))",
    "list(map(repr, [$a, $a]))",
    "list($s.partition($w))",
    "list($s.rpartition(' '))",
    "$t[::-1]",
    "$t[$k:]",
    "($t + $t)",
    "[@s for @i, @s in sorted($m)]",
    "list(filter(None, $t))",
    "sorted($t, key=str.lower, reverse=True)",
    "[str(@i) for @i in $g]",
    "sorted($d, key=lambda @s: (-$d.get(@s, 0), @s))",
    "[@s.upper() for @s in $t if $B]",
    "[@s for @s, @i in $d.items() if $B]",
    "sorted($t, key=lambda @s: (len(@s), $I))",
    "list(dict.fromkeys($t))",
];

const INT_SPECS: &[&str] = &[
    "d", "5", "<6d", "^+8", "05d", "x", "#x", "#010b", "o", "X", ",", "_", "+,d", "*>12", "=+7d", " d", "c", "n", "e", ".2f",
    "08.3f", "%", "_x", "-<4", "g", ".3", "s", "020,d",
];
const FLOAT_SPECS: &[&str] = &[
    ".2f", "8.3f", "e", ".0f", "g", ".3g", "+.1f", "010.2f", ",.2f", "%", ".1%", "", "<9", "^12.4f", ".10g", "#.0f", " .3e", "G",
    ".17g", "_.1f", "d", "5", "=+9.1f", ".3", "12", "z.1f",
];
const TEXT_SPECS: &[&str] = &[
    "", "5", "<8", ">8", "^9", ".2", "*^7.3", "s", "é<6", "05", "10.4s", "=5", "d", "+", ",",
];

impl Maker<'_> {
    /// An f-string, or `format` with the same specifications.
    pub(super) fn formatted(&mut self, depth: usize) -> String {
        let mut fields = String::new();
        for _ in 0..self.between(1, 3) {
            fields += *self.pick(&["", "a ", "{{", "}} ", "é=", ": "]);
            let (kind, specs) = *self.pick(&[
                ('i', INT_SPECS),
                ('f', FLOAT_SPECS),
                ('s', TEXT_SPECS),
                ('a', &[""] as &[&str]),
            ]);
            let value = self.expression(kind, depth.min(1));
            let spec = *self.pick(specs);
            if self.random.one_in(6) {
                return format!("format({value}, '{spec}')");
            }
            // Python 3.11 allows neither the string's own quotes nor a backslash within a field.
            if value.contains(['\\', '\'', '"', '{', '!', ':', '\n', '=']) {
                return format!("'{{:{spec}}}'.format({value})");
            }
            let conversion = *self.pick(&["", "", "", "", "!r", "!s", "!a", "="]);
            let spec = if conversion.is_empty() { spec } else { self.pick(TEXT_SPECS) };
            let nested = *self.pick(&["", "", "", "{1 + 5}"]);
            let spec = if nested.is_empty() || !spec.is_empty() { spec } else { nested };
            let colon = if spec.is_empty() { "" } else { ":" };
            fields += &format!("{{{value}{conversion}{colon}{spec}}}");
        }
        format!("f'{fields}'")
    }

    /// An exception to raise or to show.
    pub(super) fn exception(&mut self, depth: usize) -> String {
        let class = *self.pick(&[
            "ValueError",
            "KeyError",
            "TypeError",
            "IndexError",
            "Refused",
            "RuntimeError",
            "Exception",
            "LookupError",
            "ArithmeticError",
        ]);
        match self.between(0, 3) {
            0 => format!("{class}()"),
            1 => format!("{class}({}, {})", self.expression('a', 0), self.expression('i', 0)),
            _ => format!("{class}({})", self.expression('s', depth.min(1))),
        }
    }
}
