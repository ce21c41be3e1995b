//! Classes of the program. All have the same members, with bodies of their own, so that any object may be used where one is wanted.

use super::maker::{Maker, Variable};

impl Maker<'_> {
    pub(super) fn class(&mut self) -> String {
        let name = self.fresh('K');
        let base = self.classes.last().cloned().filter(|_| self.random.one_in(2));
        let items = self.expression('l', 1);
        let field = |(name, kind): (&str, char)| Variable {
            name: name.to_owned(),
            kind,
            local: false,
        };
        self.scope = [("self.value", 'i'), ("self.name", 's')].into_iter().map(field).collect();
        let parameter = Variable {
            name: "n".to_owned(),
            kind: 'i',
            local: false,
        };
        let text = match &base {
            None => {
                let shown = *self.pick(&[
                    "f'{self.name}:{self.value}'",
                    "f'<{self.value!r} {self.name!r}>'",
                    "'K(%r, %r)' % (self.value, self.name)",
                ]);
                let order = *self.pick(&[
                    "self.value < other.value",
                    "(self.name, self.value) < (other.name, other.value)",
                    "NotImplemented",
                ]);
                let scaled = self.expression('i', 1);
                let holds = self.expression('b', 1);
                self.scope.push(parameter);
                let (total, item, called) = (self.expression('i', 2), self.expression('i', 1), self.expression('i', 1));
                let truth = *self.pick(&["", "    def __bool__(self):\n        return self.value > 1\n\n"]);
                format!(
                    "    kind = 'base'\n    made = []\n\n    def __init__(self, value, name='anon'):\n        self.value = value\n        self.name = name\n        \
                     self.ratio = value / 4\n\n    def __eq__(self, other):\n        if not isinstance(other, {name}):\n            return NotImplemented\n        \
                     return self.value == other.value\n\n    def __hash__(self):\n        return 7\n\n    def __lt__(self, other):\n        return {order}\n\n    \
                     def __le__(self, other):\n        return self.value <= other.value\n\n    def __repr__(self):\n        return {shown}\n\n    \
                     def __len__(self):\n        return abs(self.value) % 5\n\n{truth}    def __getitem__(self, n):\n        return clip({item})\n\n    \
                     def __iter__(self):\n        for n in range(len(self)):\n            tick()\n            yield n * 2\n\n    \
                     def __contains__(self, n):\n        return n == self.value or {holds}\n\n    def __call__(self, n=1):\n        tick()\n        return clip({called})\n\n    \
                     def __add__(self, other):\n        if isinstance(other, int):\n            return {name}(clip(self.value + other), self.name)\n        \
                     return {name}(clip(self.value + other.value), clip(self.name + other.name))\n\n    def total(self, n):\n        tick()\n        return clip({total})\n\n    \
                     def renamed(self, name):\n        self.made.append(name)\n        return {name}(self.value, name)\n\n    \
                     @property\n    def scaled(self):\n        return clip({scaled})\n\n    @classmethod\n    def count(cls):\n        return cls.kind\n\n    \
                     @staticmethod\n    def items():\n        return {items}\n"
                )
            }
            Some(_) => {
                self.scope.push(parameter);
                let total = self.expression('i', 2);
                format!(
                    "    kind = 'derived'\n\n    def __init__(self, value, name='none'):\n        super().__init__(value, name)\n        self.extra = [value]\n\n    \
                     def total(self, n):\n        return clip(super().total(n) + {total})\n\n    def __str__(self):\n        return 'str of ' + repr(self)\n\n    \
                     def __eq__(self, other):\n        return super().__eq__(other)\n\n    __hash__ = None\n"
                )
            }
        };
        self.scope.clear();
        self.classes.push(name.clone());
        let head = base.map_or_else(|| name.clone(), |base| format!("{name}({base})"));
        format!("\n\nclass {head}:\n{text}")
    }
}
