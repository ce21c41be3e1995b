//! The module `itertools`: iterators over iterators (`flow`), over whole pools of items (`pools`), and shared ones (`shared`).

mod flow;
pub use flow::{apply, pull};
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

#[cfg(test)]
mod tests {
    use crate::python::iter;
    use crate::python::object::{Args, Obj};
    use crate::python::stdlib::collections::DEQUE;

    /// The thread of a test has a larger stack than code nodes have.
    fn on_a_small_stack(work: fn()) {
        std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(work)
            .unwrap()
            .join()
            .unwrap();
    }

    #[test]
    fn iterators_over_iterators_end_with_an_error_not_with_the_stack() {
        on_a_small_stack(|| {
            let chain = super::attribute("chain").unwrap();
            let Obj::NativeType(chain) = chain else {
                panic!("chain is no type")
            };
            let mut nested = Obj::list(vec![Obj::Int(1)]);
            for _ in 0..10_000 {
                nested = (chain.new)(&Args::positional(&[nested])).unwrap();
            }
            assert!(iter::next(&nested).is_err());
            std::mem::forget(nested);
        });
    }

    #[test]
    fn deques_in_deques_are_let_go_one_after_the_other() {
        on_a_small_stack(|| {
            let mut nested = Obj::None;
            for _ in 0..100_000 {
                nested = (DEQUE.new)(&Args::positional(&[Obj::list(vec![nested])])).unwrap();
            }
            drop(nested);
        });
    }
}
