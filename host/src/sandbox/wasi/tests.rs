//! What a guest finds behind each interface, tried by `tests.wat`.

use wasmtime::Store;
use wasmtime::component::{Component, Linker};

use super::link;
use crate::sandbox::limits::{Data, Limits, Stop};
use crate::sandbox::{Settings, engine};

struct Guest {
    store: Store<Data>,
    instance: wasmtime::component::Instance,
}

impl Guest {
    fn new() -> Self {
        let engine = engine::on_demand().unwrap();
        let bytes = wat::parse_bytes(include_bytes!("tests.wat")).unwrap();
        let component = Component::new(&engine, bytes).unwrap();
        let mut linker = Linker::new(&engine);
        link(&mut linker, &component).unwrap();
        let mut store = Store::new(&engine, Data::new(Limits::wasi(&Settings::default())));
        store.limiter(|data| &mut data.limits);
        store.set_epoch_deadline(1);
        store.set_fuel(10_000_000).unwrap();
        let instance = block_on(linker.instantiate_async(&mut store, &component)).unwrap();
        Guest { store, instance }
    }

    fn call(&mut self, name: &str) -> Result<u64, Stop> {
        let run = self.instance.get_typed_func::<(), (u64,)>(&mut self.store, name).unwrap();
        match block_on(run.call_async(&mut self.store, ())) {
            Ok((value,)) => Ok(value),
            Err(error) => {
                let printed = self.store.data_mut().wasi().printed();
                Err(Stop::from_error(
                    &error,
                    &Settings::default(),
                    &self.store.data().limits,
                    &printed,
                ))
            }
        }
    }

    fn tell(&mut self, now_us: i64, seed: u64) {
        self.store.data_mut().wasi().tell(now_us, seed);
    }
}

/// Nothing that a guest calls may wait for the outside: one look must do.
fn block_on<T>(call: impl Future<Output = T>) -> T {
    futures::FutureExt::now_or_never(call).expect("a call of WASI waited")
}

#[test]
fn both_clocks_show_the_time_of_the_tick() {
    let mut guest = Guest::new();
    assert_eq!(guest.call("wall"), Ok(0), "before the first tick");
    guest.tell(1_700_000_000_123_456, 1);
    for _ in 0..2 {
        assert_eq!(guest.call("wall"), Ok(1_700_000_000_123_456));
        assert_eq!(guest.call("monotonic"), Ok(1_700_000_000_123_456_000));
    }
    guest.tell(1_700_000_000_123_457, 1);
    assert_eq!(guest.call("wall"), Ok(1_700_000_000_123_457));
}

#[test]
fn all_randomness_comes_from_the_seed_of_the_tick() {
    let draw = |seed| {
        let mut guest = Guest::new();
        guest.tell(1, seed);
        ["random", "insecure", "seed", "random"].map(|name| guest.call(name).unwrap())
    };
    let mut drawn = draw(7);
    assert_eq!(drawn, draw(7));
    assert_ne!(drawn, draw(8));
    drawn.sort_unstable();
    assert!(drawn.windows(2).all(|w| w[0] != w[1]), "{drawn:?}");

    let mut guest = Guest::new();
    let before = guest.call("random").unwrap();
    assert_eq!(before, Guest::new().call("random").unwrap(), "before the first tick too");
}

#[test]
fn what_is_printed_goes_to_the_log() {
    let mut guest = Guest::new();
    guest.call("print").unwrap();
    guest.tell(1, 1);
    guest.call("print").unwrap();
    let printed = guest.store.data_mut().wasi().printed();
    let printed: Vec<_> = printed.iter().map(|line| (&*line.node, &*line.text)).collect();
    assert_eq!(printed, [("stdout", "one"), ("stdout", "two"), ("stderr", "one")]);
}

#[test]
fn nothing_is_given_and_what_is_missing_names_itself() {
    assert_eq!(Guest::new().call("given"), Ok(0), "arguments, environment, directories");
    for (name, called) in [
        ("connect", "'wasi:sockets/instance-network@0.2.3#instance-network'"),
        ("fetch", "'wasi:http/outgoing-handler@0.2.3#handle'"),
    ] {
        let stop = Guest::new().call(name).unwrap_err().to_string();
        assert!(stop.contains(called) && stop.contains("by effects"), "{stop}");
    }
}

#[test]
fn a_wait_for_the_clock_traps() {
    assert_eq!(Guest::new().call("ready"), Ok(1), "now is, a second from now is not");
    assert_eq!(Guest::new().call("pause"), Ok(0), "no wait at all");
    let stop = Guest::new().call("sleep").unwrap_err().to_string();
    assert!(stop.contains("a flow waits by effects"), "{stop}");
}

#[test]
fn what_stops_a_guest_is_named() {
    assert_eq!(Guest::new().call("exit"), Err(Stop::Exit(1)));
    let stop = Guest::new().call("hoard").unwrap_err().to_string();
    assert!(stop.contains("resource table"), "{stop}");
    let stop = Guest::new().call("grow").unwrap_err().to_string();
    assert!(stop.contains("runner.max_wasi_memory_bytes"), "{stop}");
    let stop = Guest::new().call("complain").unwrap_err().to_string();
    assert!(stop.contains("it said: one\ntwo"), "{stop}");
}
