//! The tables of statements.

use super::maker::{Maker, Place};

/// How deep statements nest.
const MAX_DEPTH: usize = 2;

impl Maker<'_> {
    /// One statement, its lines ended.
    pub(super) fn statement(&mut self, place: Place) -> String {
        let deep = place.depth >= MAX_DEPTH;
        for _ in 0..6 {
            let tables: &[&[&str]] = match self.random.between(0, 9) {
                0..=2 => &[MAKE],
                3..=5 => &[CHANGE],
                6 if place.generator => &[YIELD],
                6 if place.in_loop => &[LEAVE],
                6 if !matches!(place.returns, 'a') => &[RETURN],
                6 => &[MAKE],
                _ if deep => &[CHANGE],
                7 => &[LOOP],
                8 => &[TRY, BRANCH],
                _ => &[BRANCH, MATCH, CLOSURE],
            };
            let table = *self.pick(tables);
            let template = *self.pick(table);
            let inner = Place {
                in_loop: place.in_loop && !starts_function(template) || is_loop(template),
                generator: place.generator && !starts_function(template),
                returns: if starts_function(template) { 'a' } else { place.returns },
                around_loop: place.in_loop && !starts_function(template),
                own_function: starts_function(template),
                ..place
            };
            let mut template = template.to_owned();
            if table == RETURN {
                template = template.replace("$R", &format!("${}", place.returns));
            }
            let before = self.scope.clone();
            if starts_function(&template) {
                self.scope
                    .iter_mut()
                    .for_each(|variable| variable.local &= template.contains("nonlocal"));
            }
            let text = self.fill(&template, 2, inner);
            // What an enclosing function has stays its own.
            for variable in &mut self.scope {
                if let Some(known) = before.iter().find(|known| known.name == variable.name) {
                    variable.local = known.local;
                }
            }
            if let Some(text) = text {
                return text + "\n";
            }
        }
        "note($a)".replace("$a", &self.expression('a', 2)) + "\n"
    }
}

pub(super) fn is_loop(template: &str) -> bool {
    template.starts_with("for ") || template.contains("while ")
}

fn starts_function(template: &str) -> bool {
    template.starts_with("def ")
}

/// Whether what the template names may be read after it.
pub(super) fn leaves_names(template: &str) -> bool {
    is_loop(template) || template.starts_with("if (") || template.starts_with("match")
}

/// Assignments that make new variables.
const MAKE: &[&str] = &[
    "@i = clip($i)",
    "@i = clip($i)",
    "@s = clip($s)",
    "@s = clip($s)",
    "@f = $f",
    "@b = $b",
    "@l = clip($l)",
    "@l = clip($l)",
    "@t = clip($t)",
    "@d = $d",
    "@d = $d",
    "@e = $e",
    "@p = $p",
    "@m = clip($m)",
    "@o = $o",
    "@i = clip($i)\n@i2 = clip($i)",
    "@i, @s = $p",
    "@i, @i2 = $i, $i",
    "@i, *@l = $l",
    "*@l, @i = $g",
    "@i, *@l, @i2 = $g",
    "(@i, @s), @l = $p, $l",
    "@i = @i2 = clip($i)",
    "@l = @l2 = clip($l)",
    "@i, @i2, @i3 = $l",
    "@t = [*$s]",
    "@s, @s2 = $s",
    "@i: int = clip($i)",
    "[@i, [@s, *@t]] = [$i, $t]",
    "@l = clip([@i for @v in $l if (@i := @v + 1) > $i])",
];

/// What changes a variable, or notes a value.
const CHANGE: &[&str] = &[
    "note($a)",
    "note($a)",
    "note($i)",
    "note($s)",
    "note($b)",
    "note([$a, $a])",
    "note($f)",
    "~i += $i\n~i = clip(~i)",
    "~i -= $i",
    "~i *= $i\n~i = clip(~i)",
    "~i //= $i",
    "~i %= $i",
    "~i &= $i",
    "~i ^= $i",
    "~i |= $i\n~i = clip(~i)",
    "~i >>= ($i % 9)",
    "~f += $f",
    "~f /= $f",
    "~f *= $f",
    "~s += $s\n~s = clip(~s)",
    "~s *= $k\n~s = clip(~s)",
    "~s %= $a\n~s = clip(~s)",
    "~l += tuple($g)\n~l = clip(~l)",
    "~l *= $k\n~l = clip(~l)",
    "~l.append($i)",
    "~l.extend(list($g))\ndel ~l[30:]",
    "~l.insert($i, $i)",
    "~l.pop()",
    "note(~l.pop($i % 2))",
    "~l.remove($i)",
    "~l.sort()",
    "~l.sort(key=lambda @i: $I, reverse=$b)",
    "~l.reverse()",
    "~l[$i % 3] = $i",
    "~l[$k] += $i",
    "~l[$i:$i] = $g\ndel ~l[30:]",
    "~l[::2] = $l\ndel ~l[30:]",
    "del ~l[$i % 2]",
    "del ~l[$i:$k]",
    "del ~l[::$k]",
    "~l.clear()",
    "~t.append($s)",
    "~t.sort(key=len)",
    "~t.sort()",
    "~t[$k] = $s",
    "~t += [$s]\n~t = clip(~t)",
    "~t[$k], ~t[$k] = $s, $s",
    "~d[$w] = $i",
    "~d[$w] += $i",
    "~d[$s] = ~d.get($s, 0) + 1",
    "del ~d[$w]",
    "note(~d.pop($w))",
    "note(~d.pop($w, None))",
    "note(~d.setdefault($w, $i))",
    "~d.update($d)",
    "~d.update($m)",
    "note(~d.popitem())",
    "~d |= $d",
    "note(list(~d.items()))",
    "~d.update(Z=$i, **$d)",
    "~e.add($i)",
    "~e.discard($i)",
    "~e.remove($i)",
    "~e |= $e",
    "~e -= $e",
    "~e.update($g)",
    "note(sorted(~e))",
    "~o.value = clip($i)",
    "~o.name = clip($s)",
    "~o.value += $i\n~o.value = clip(~o.value)",
    "note(~o.made)",
    "note(~o.count())",
    "note(~o.items())",
    "~o += $i",
    "note(~o.missing)",
    "assert $b, $s",
    "assert $a",
    "note(next(iter($g), 0))",
    "note($d)",
    "note($m)",
    "~i, ~s = $p",
    "~i = clip(~i)\nnote(~i)",
    "del ~i",
    "~l, ~t = ~l[:2], ~t[1:]",
    "note(f'{~i} {~s!r:>8} {~f:.3f}')",
    "note(f'{~i:{~i % 9 + 1}} {~s:~^9}')",
    "note('{0}{1}'.format(~i, ~s))",
    "raise $x",
    "note(~p + ($a,))",
    "note([*~t, *~l])",
    "note({**~d, 'k': ~i})",
    "@v = iter($l)\nnote([$i, next(@v, 0)])",
];

const YIELD: &[&str] = &[
    "yield $i",
    "yield clip($i)",
    "yield from $g",
    "@i = yield $i",
    "note((yield $i))",
    "return",
    "if $b:\n    return $a",
    "yield from [$i, $i]",
];
const LEAVE: &[&str] = &[
    "break",
    "continue",
    "if $b:\n    break",
    "if $b:\n    continue",
    "if $b:\n    continue\nnote($a)",
];
const RETURN: &[&str] = &[
    "if $b:\n    return $R",
    "if $b:\n    return $R\nelse:\n    #",
    "try:\n    return $R\nfinally:\n    #",
];

const LOOP: &[&str] = &[
    "for @i in range($k):\n    tick()\n    #",
    "for @i in $g:\n    tick()\n    #\nelse:\n    #",
    "for @i in $l[:6]:\n    tick()\n    #",
    "for @s in $s[:5]:\n    tick()\n    #",
    "for @i, @s in enumerate($t):\n    tick()\n    #",
    "for @i, @s in $m:\n    tick()\n    #\nelse:\n    note($a)",
    "for @s, @i in $d.items():\n    tick()\n    #",
    "for @s in $d:\n    tick()\n    #",
    "for @s in list($d):\n    tick()\n    #",
    "for @i, @i2 in zip($l, $g):\n    tick()\n    #",
    "for @i in sorted($e):\n    tick()\n    #",
    "@i = $k\nwhile @i > 0:\n    tick()\n    @i -= 1\n    #\nelse:\n    #",
    "@i = 0\nwhile True:\n    tick()\n    @i += 1\n    if @i > $K:\n        break\n    #",
    "@l = list($g)\nwhile @l:\n    tick()\n    @i = @l.pop()\n    #",
    "for @i, *@l in [$l, $l]:\n    tick()\n    #",
    "for ~l[0] in $g:\n    tick()\n    #",
    "@i = 5\nwhile (@i := @i - 1) and $B:\n    tick()\n    #\nelse:\n    note(@i)",
    "for @l in [$l, $l]:\n    tick()\n    for @i in @l:\n        tick()\n        if $B:\n            break\n        #\n    else:\n        continue\n    break",
];

const BRANCH: &[&str] = &[
    "if $b:\n    #",
    "if $b:\n    #\nelse:\n    #",
    "if $a:\n    #\nelif $b:\n    #\nelse:\n    #",
    "if (@i := clip($i)) > $i:\n    #",
    "if $i in $l:\n    #",
    "@s = 'even' if $i % 2 == 0 else 'odd'",
    "if $b and $b or not $b:\n    #",
    "if $i < $i < $i:\n    #\nelse:\n    #",
    "if not $a:\n    pass\nelse:\n    #",
];

const TRY: &[&str] = &[
    "try:\n    #\nexcept ValueError as @x:\n    note(str(@x))\n    #",
    "try:\n    #\nexcept (KeyError, IndexError) as @x:\n    note(told(@x))\nelse:\n    #\nfinally:\n    #",
    "try:\n    #\nexcept Exception as @x:\n    note([told(@x)])",
    "try:\n    #\nfinally:\n    #",
    "try:\n    raise $x\nexcept (ValueError, TypeError) as @x:\n    note(told(@x))\nexcept LookupError:\n    #\nelse:\n    #",
    "try:\n    note($i // $i)\n    #\nexcept ZeroDivisionError:\n    #\nelse:\n    #\nfinally:\n    note('finally')",
    "try:\n    #\nexcept TypeError as @x:\n    raise Refused(told(@x)) from @x",
    "try:\n    try:\n        #\n    except KeyError as @x:\n        raise\n    finally:\n        #\nexcept Exception as @x2:\n    note(told(@x2))",
    "try:\n    raise Refused($s) from $x\nexcept ValueError as @x:\n    note(told(@x))",
    "try:\n    note(next($g))\nexcept StopIteration as @x:\n    note(told(@x))",
    "try:\n    #\nexcept ArithmeticError as @x:\n    note(@x.args)\nexcept Exception:\n    #",
];

const MATCH: &[&str] = &[
    "match $i:\n    case 0 | 1:\n        #\n    case -1:\n        note('minus')\n    case @i if @i > $i:\n        #\n    case _:\n        #",
    "match $l:\n    case []:\n        #\n    case [@i]:\n        #\n    case [@i2, @i3, *@l]:\n        #",
    "match $p:\n    case (0, @s):\n        #\n    case (@i, 'a' | 'b' as @s2):\n        #\n    case @p:\n        note(@p)",
    "match $d:\n    case {'a': @i, **@d}:\n        #\n    case {'b': 2}:\n        note('two')\n    case {}:\n        #",
    "match $a:\n    case bool(@b):\n        #\n    case int(@i) | float(@i):\n        note(@i)\n    case str() as @s:\n        #\n    case [*_]:\n        note('sequence')\n    case None:\n        pass",
    "match $o:\n    case object(value=1 | 2, name=@s):\n        #\n    case object(value=@i):\n        #",
    "match $s:\n    case 'a' | '' | '42':\n        #\n    case @s if len(@s) > 3:\n        #",
    "match ($i, $s):\n    case (int(), 'a'):\n        #\n    case (@i, _) if @i % 2:\n        #\n    case _:\n        #",
];

const CLOSURE: &[&str] = &[
    "def @c(@i):\n    tick()\n    #\n    return $I\nnote(@c($i))",
    "def @c(@i=$i, *@v, @s=$s):\n    tick()\n    @l = list(@v)\n    #\n    return [@i, @v, $S]\nnote(@c())\nnote(@c($i, $i, s=1) if $b else @c($i, $i))",
    "def @c():\n    nonlocal ~i\n    tick()\n    ~i += 1\n    #\n    return ~i\nnote([@c(), @c()])",
    "def @c():\n    tick()\n    yield $i\n    #\n    yield $i\nnote(list(@c()))",
    "def @c(@i):\n    tick()\n    if @i <= 1:\n        return 1\n    return @i * @c(@i - 1)\nnote(@c($i % 30))",
    "def @c(@i):\n    return lambda @i2: $I\nnote(@c($i)($i))",
    "def @c(@i, @i2):\n    tick()\n    return @i if @i2 == 0 else @c(@i2, @i % @i2)\nnote(@c(abs($i), abs($i)))",
    "def @c():\n    @i2 = yield 1\n    note(@i2)\n    try:\n        @i = yield 2\n        #\n    finally:\n        note('closed')\n@c2 = @c()\nnote(next(@c2))\nnote(@c2.send($i))\n@c2.close()",
    "def @c(@t, @i=0):\n    tick()\n    if not @t:\n        return []\n    return [clip($S)] + @c(@t[1:], @i + 1)\nnote(@c($t))",
    "def @c(@c2):\n    def @c3(*@l, **@d):\n        note([@l, @d])\n        return @c2(*@l, **@d)\n    return @c3\nnote(@c(max)($i, $i))\nnote(@c(sorted)($l, reverse=$b))",
];
