//! The names that Python code knows without defining them: builtins, methods, importable modules.
//!
//! The compiler reads the same tables, so what it accepts and what the runtime offers cannot drift apart; the numbers in compiled
//! code are positions in them.

macro_rules! table {
    ($(#[$doc:meta])* $kind:ident, $table:ident: $($variant:ident $name:literal,)*) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum $kind { $($variant),* }

        $(#[$doc])*
        pub static $table: &[($kind, &str)] = &[$(($kind::$variant, $name)),*];

        impl $kind {
            pub fn name(self) -> &'static str {
                $table[self as usize].1
            }
            pub fn at(number: u32) -> Option<Self> {
                $table.get(number as usize).map(|(kind, _)| *kind)
            }
            pub fn named(name: &str) -> Option<Self> {
                $table.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
            }
        }
    };
}

table! {
    /// Builtin functions, types and exception classes. Those from [`Builtin::NoneType`] on are types without a name of their own.
    Builtin, BUILTINS:
    Len "len", Print "print", Abs "abs", Any "any", All "all", Bin "bin", Hex "hex", Oct "oct", Callable "callable", Chr "chr",
    Ord "ord", Divmod "divmod", Enumerate "enumerate", Filter "filter", Format "format", Getattr "getattr", Hasattr "hasattr",
    Hash "hash", Id "id", Isinstance "isinstance", Issubclass "issubclass", Iter "iter", Map "map", Max "max", Min "min", Next "next", Pow "pow",
    Range "range", Repr "repr", Ascii "ascii", Reversed "reversed", Round "round", Setattr "setattr", Delattr "delattr", Slice "slice", Sorted "sorted", Sum "sum",
    Super "super", Zip "zip", Staticmethod "staticmethod", Classmethod "classmethod", Property "property", Input "input",
    Object "object", Type "type", Bool "bool", Int "int", Float "float", Str "str", Bytes "bytes", Bytearray "bytearray", List "list", Tuple "tuple", Dict "dict",
    Set "set", Frozenset "frozenset", Complex "complex",
    NotImplemented "NotImplemented", Ellipsis "Ellipsis",
    BaseException "BaseException", Exception "Exception", ArithmeticError "ArithmeticError", AssertionError "AssertionError",
    AttributeError "AttributeError", BufferError "BufferError", EOFError "EOFError", FloatingPointError "FloatingPointError",
    GeneratorExit "GeneratorExit", ImportError "ImportError", IndexError "IndexError", KeyError "KeyError",
    KeyboardInterrupt "KeyboardInterrupt", LookupError "LookupError", MemoryError "MemoryError", ModuleNotFoundError "ModuleNotFoundError",
    NameError "NameError", NotImplementedError "NotImplementedError", OSError "OSError", IOError "IOError", FileNotFoundError "FileNotFoundError",
    PermissionError "PermissionError", TimeoutError "TimeoutError", ConnectionError "ConnectionError", OverflowError "OverflowError", RecursionError "RecursionError",
    ReferenceError "ReferenceError", RuntimeError "RuntimeError", StopIteration "StopIteration", SyntaxError "SyntaxError",
    SystemError "SystemError", SystemExit "SystemExit", TypeError "TypeError", UnboundLocalError "UnboundLocalError",
    UnicodeError "UnicodeError", UnicodeDecodeError "UnicodeDecodeError", UnicodeEncodeError "UnicodeEncodeError", ValueError "ValueError",
    Warning "Warning", UserWarning "UserWarning", DeprecationWarning "DeprecationWarning", ZeroDivisionError "ZeroDivisionError",
    NoneType "NoneType", Function "function", BuiltinFunction "builtin_function_or_method", BoundMethod "method", Generator "generator", Module "module",
    EllipsisType "ellipsis", NotImplementedType "NotImplementedType", Cell "cell", DictKeys "dict_keys", DictValues "dict_values", DictItems "dict_items",
    Iterator "iterator",
    // Exception classes of modules: the modules name them.
    JSONDecodeError "JSONDecodeError", RegexError "error", BinasciiError "Error", StatisticsError "StatisticsError",
    FrozenInstanceError "FrozenInstanceError", DecimalException "DecimalException", InvalidOperation "InvalidOperation",
    DivisionByZero "DivisionByZero", DecimalOverflow "Overflow",
}

impl Builtin {
    /// Whether a program can name it.
    pub fn nameable(self) -> bool {
        (self as u16) < Builtin::NoneType as u16
    }
    pub fn is_exception(self) -> bool {
        (Builtin::BaseException as u16..Builtin::NoneType as u16).contains(&(self as u16)) || self.module_parent().is_some()
    }
    /// The name with its module, as `repr` of a class has it.
    pub fn qualified_name(self) -> &'static str {
        match self {
            Builtin::JSONDecodeError => "json.decoder.JSONDecodeError",
            Builtin::RegexError => "re.error",
            Builtin::BinasciiError => "binascii.Error",
            Builtin::StatisticsError => "statistics.StatisticsError",
            Builtin::FrozenInstanceError => "dataclasses.FrozenInstanceError",
            other => other.name(),
        }
    }
    /// The class above an exception class that belongs to a module.
    pub fn module_parent(self) -> Option<Builtin> {
        match self {
            Builtin::JSONDecodeError | Builtin::BinasciiError | Builtin::StatisticsError => Some(Builtin::ValueError),
            Builtin::RegexError => Some(Builtin::Exception),
            Builtin::FrozenInstanceError => Some(Builtin::AttributeError),
            Builtin::DecimalException => Some(Builtin::ArithmeticError),
            Builtin::InvalidOperation | Builtin::DecimalOverflow => Some(Builtin::DecimalException),
            // It derives from `DecimalException`, too; programs catch it as what it is in the language.
            Builtin::DivisionByZero => Some(Builtin::ZeroDivisionError),
            _ => None,
        }
    }
}

table! {
    /// Method names of the builtin types. A name outside the table is looked up in classes and instances only.
    Method, METHODS:
    Capitalize "capitalize", Casefold "casefold", Center "center", Count "count", Encode "encode", Endswith "endswith", Expandtabs "expandtabs",
    Find "find", Format "format", FormatMap "format_map", Index "index", Isalnum "isalnum", Isalpha "isalpha", Isascii "isascii", Isdecimal "isdecimal",
    Isdigit "isdigit", Isidentifier "isidentifier", Islower "islower", Isnumeric "isnumeric", Isprintable "isprintable",
    Isspace "isspace", Istitle "istitle", Isupper "isupper", Join "join", Ljust "ljust", Lower "lower", Lstrip "lstrip",
    Maketrans "maketrans", Partition "partition", Removeprefix "removeprefix", Removesuffix "removesuffix", Replace "replace", Rfind "rfind",
    Rindex "rindex", Rjust "rjust", Rpartition "rpartition", Rsplit "rsplit", Rstrip "rstrip", Split "split", Splitlines "splitlines",
    Startswith "startswith", Strip "strip", Swapcase "swapcase", Title "title", Translate "translate", Upper "upper", Zfill "zfill",
    Decode "decode", Hex "hex", Fromhex "fromhex",
    Append "append", Clear "clear", Copy "copy", Extend "extend", Insert "insert", Pop "pop", Remove "remove", Reverse "reverse", Sort "sort",
    Fromkeys "fromkeys", Get "get", Items "items", Keys "keys", Popitem "popitem", Setdefault "setdefault", Update "update", Values "values",
    MoveToEnd "move_to_end", MostCommon "most_common", Elements "elements", Subtract "subtract", Total "total",
    Add "add", Difference "difference", DifferenceUpdate "difference_update", Discard "discard", Intersection "intersection",
    IntersectionUpdate "intersection_update", Isdisjoint "isdisjoint", Issubset "issubset", Issuperset "issuperset",
    SymmetricDifference "symmetric_difference", SymmetricDifferenceUpdate "symmetric_difference_update", Union "union",
    BitLength "bit_length", BitCount "bit_count", Conjugate "conjugate", ToBytes "to_bytes", FromBytes "from_bytes", AsIntegerRatio "as_integer_ratio", IsInteger "is_integer", Indices "indices",
    Send "send", Close "close", Throw "throw", WithTraceback "with_traceback", AddNote "add_note",
}

table! {
    /// Modules that code may import.
    Module, MODULES:
    Math "math", Json "json", Re "re", Datetime "datetime", Random "random", Itertools "itertools", Collections "collections", String "string",
    Statistics "statistics", Functools "functools", Textwrap "textwrap", Hashlib "hashlib", Base64 "base64", Uuid "uuid", Time "time",
    Copy "copy", Operator "operator", Typing "typing", Decimal "decimal", Fractions "fractions", Bisect "bisect", Heapq "heapq", Html "html",
    UrllibParse "urllib.parse", Urllib "urllib", Dataclasses "dataclasses", Enum "enum", CollectionsAbc "collections.abc", Abc "abc", Future "__future__", Types "types",
}
