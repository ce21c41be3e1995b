//! What fuel costs: the same flows on two engines that differ in nothing else. They have the sandbox's settings that change native code.
#![allow(clippy::unwrap_used)] // A benchmark that cannot go on ends.

use criterion::Criterion;
use flowgate::sandbox::world::{self, FlowPre};
use flowgate_compiler::{Link, RUNTIME_IMPORT};
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Module, Store};

use super::{flows, told};

/// Compares a loop of nodes and a loop within a code node, with fuel and without.
pub fn cost(criterion: &mut Criterion, runtime: &Runtime) {
    let documents = [
        ("1000 pure iterations", flows::repeated(1000, false)),
        (
            "arithmetic in a code node",
            flows::code(include_str!("../python/arithmetic.py")),
        ),
    ];
    let (around, start) = (told::around(), told::start());
    for (fueled, how) in [(true, "with fuel"), (false, "without fuel")] {
        let engine = engine(fueled);
        let module = Module::new(&engine, &flowgate_compiler::runtime().as_ref().unwrap().core).unwrap();
        let mut linker = Linker::new(&engine);
        linker.root().module(RUNTIME_IMPORT, &module).unwrap();
        for (name, document) in &documents {
            let component = Component::new(&engine, flows::compile(document, Link::Shared)).unwrap();
            let program = FlowPre::new(linker.instantiate_pre(&component).unwrap()).unwrap();
            criterion.bench_function(&format!("{name}, {how}"), |b| {
                b.to_async(runtime).iter(|| async {
                    let mut store = Store::new(&engine, ());
                    store.set_epoch_deadline(1);
                    if fueled {
                        store.set_fuel(u64::MAX / 2).unwrap();
                    }
                    let flow = program.instantiate_async(&mut store).await.unwrap();
                    let ticked = flow
                        .flowgate_flow_workflow()
                        .call_tick(&mut store, &around, &start, u32::MAX)
                        .await;
                    assert!(matches!(ticked.unwrap().progress, world::Progress::Completed(_)));
                });
            });
        }
    }
}

fn engine(fueled: bool) -> Engine {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .concurrency_support(false)
        .consume_fuel(fueled)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .max_wasm_stack(2 << 20)
        .async_stack_size(3 << 20);
    Engine::new(&config).unwrap()
}
