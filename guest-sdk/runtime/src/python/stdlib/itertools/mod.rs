//! The module `itertools`: iterators over iterators (`flow`), over whole pools of items (`pools`), and shared ones (`shared`).

mod flow;
pub use flow::apply;
mod pools;
mod shared;

use super::declare::declare;
use crate::python::object::Obj;

declare! {
    "itertools" {
        "count" => flow::count,
        "cycle" => flow::cycle,
        "repeat" => flow::repeat,
        "accumulate" => flow::accumulate,
        "compress" => flow::compress,
        "dropwhile" => flow::dropwhile,
        "takewhile" => flow::takewhile,
        "filterfalse" => flow::filterfalse,
        "islice" => flow::islice,
        "pairwise" => flow::pairwise,
        "starmap" => flow::starmap,
        "zip_longest" => flow::zip_longest,
        "combinations" => pools::combinations,
        "combinations_with_replacement" => pools::combinations_with_replacement,
        "permutations" => pools::permutations,
        "product" => pools::product,
        "groupby" => shared::groupby,
        "tee" => shared::tee,
    } {
        "chain" => Obj::NativeType(&flow::CHAIN),
    }
}
