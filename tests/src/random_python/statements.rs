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
                8 => &[TRY, BRANCH, WITH],
                _ => &[BRANCH, MATCH, CLOSURE, CLASS, DELEGATION],
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
    template.starts_with("def ") || template.starts_with("class ")
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
    "note(list(~e))",
    "note(~e.pop())",
    "~e &= $e",
    "~e ^= $e",
    "~e.difference_update($g)",
    "hide()\nnote(oct($i))",
    "unhide()",
    "note(oct($i))",
    "note(($a).missing($i, $l[$k]))",
    "note(~l.missing(~l.pop()))",
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
    "for @i in {7, 15, 23, 31, 39, $k}:\n    tick()\n    #",
    "for @i in {40, 8, 16, 3, 24}:\n    tick()\n    #",
    "for @i in range($i % 9, $i, 2 ** 62):\n    tick()\n    #",
    "for @i in range(2 ** 64 + $k, 2 ** 64, -2):\n    tick()\n    #",
    "for @i in range(10 ** 30):\n    tick()\n    if @i > $K:\n        break\n    #",
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

const WITH: &[&str] = &[
    "with Manager($s) as @s:\n    #",
    "with Manager($s, $b):\n    #",
    "with Manager($s, True) as @s, Manager($s) as @s2:\n    #",
    "with (Manager('a', True) as @s, Manager('b')):\n    raise $x",
    "with Manager('r', True):\n    with $a as @v:\n        #",
];

/// Classes within a function.
const CLASS: &[&str] = &[
    "class @c:\n    a = $i\n    b = [a, *$l]\n    def get(self):\n        return self.a + len(self.b)\nnote(@c().get())\n@c.a = $i\nnote(@c().get())\nnote(repr(@c))",
    "class @c(Refused):\n    def __init__(self, a, b):\n        super().__init__(a)\n        self.b = b\n    def __str__(self):\n        return f'{self.b}:{self.args!r}'\ntry:\n    raise @c($s, $i)\nexcept Refused as @x:\n    note([told(@x), repr(@x), @x.b])",
    "class @c:\n    def __init__(self, n):\n        self.n = n\n    @@property\n    def half(self):\n        return self.n // 2\n    @@half.setter\n    def half(self, n):\n        self.n = n * 2\n@c2 = @c($i)\n@c2.half = $i\nnote([@c2.n, @c2.half])\n@c2.half += $i\nnote(@c2.n)\ndel @c2.half",
    "class @c:\n    def __init__(self, n):\n        self.n = n\n    def __eq__(self, other):\n        return self.n == other.n\n    def __lt__(self, other):\n        return self.n < other.n\n    def __repr__(self):\n        return f'<{self.n}>'\n@c = functools.total_ordering(@c)\nnote(repr(sorted([@c($i), @c($i), @c($k)])))\nnote(@c($i) >= @c($i))",
    "class @c(enum.Enum):\n    A = $i\n    B = $s\nnote([@c.A.name, @c.B.value, repr(@c.A), str(@c['B']), @c(@c.A.value) is @c.A])\nnote(@c($a))",
    "class @c:\n    def __getitem__(self, n):\n        if n > 3:\n            raise IndexError(n)\n        return n * $k\n    def __len__(self):\n        return $k\nnote([list(@c()), 6 in @c(), len(@c()), list(reversed(@c()))])\nnote(@c()[$a])",
];

/// Generators that give to others what they are sent and what is thrown at them.
const DELEGATION: &[&str] = &[
    "def @c():\n    try:\n        note((yield $i))\n        yield $i\n    except ValueError as @x:\n        note(told(@x))\n        yield $i\n    finally:\n        note('inner')\n    return $i\ndef @c2():\n    note((yield from @c()))\n    yield $i\n@c3 = @c2()\ntry:\n    note(next(@c3))\n    note(@c3.throw(Refused($s)))\n    note(list(@c3))\nfinally:\n    @c3.close()",
    "def @c():\n    try:\n        while True:\n            tick()\n            note((yield $i))\n    finally:\n        note('inner')\ndef @c2():\n    try:\n        yield from @c()\n    finally:\n        note('outer')\n@c3 = @c2()\ntry:\n    note(next(@c3))\n    note(@c3.send($a))\n    @c3.close()\n    note(list(@c3))\nfinally:\n    @c3.close()",
    "def @c():\n    note((yield from Echo($l)))\n    yield $i\n@c2 = @c()\ntry:\n    note(next(@c2))\n    note(@c2.send($i))\n    note(@c2.throw($x))\n    note(list(@c2))\nfinally:\n    @c2.close()",
    "def @c():\n    yield from $g\n    return $i\n@c2 = @c()\nnote(next(@c2))\nnote(@c2.throw($x))",
    "def @c():\n    try:\n        yield 1\n    except GeneratorExit:\n        yield 2\ndef @c2():\n    yield from @c()\n@c3 = @c2()\nnote(next(@c3))\n@c3.close()",
    "def @c(@i):\n    if @i > $k:\n        raise StopIteration($i)\n    return @i\nnote(list(map(@c, $g)))\nnote(list(filter(@c, $g)))\nnote(sorted(@c(@i2) for @i2 in $l))",
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
    "def @c():\n    @i2 = yield 1\n    note(@i2)\n    try:\n        @i = yield 2\n        #\n    finally:\n        note('closed')\n@c2 = @c()\ntry:\n    note(next(@c2))\n    note(@c2.send($i))\nfinally:\n    @c2.close()",
    "def @c(@t, @i=0):\n    tick()\n    if not @t:\n        return []\n    return [clip($S)] + @c(@t[1:], @i + 1)\nnote(@c($t))",
    "def @c(@c2):\n    def @c3(*@l, **@d):\n        note([@l, @d])\n        return @c2(*@l, **@d)\n    return @c3\nnote(@c(max)($i, $i))\nnote(@c(sorted)($l, reverse=$b))",
];
