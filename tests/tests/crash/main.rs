//! Nothing acknowledged is ever lost: the real server under load while it is killed, while its disk and its clock fail, while a second runner
//! wants its runs, and when it is stopped. [`flowgate_tests::crash`] is the load; `tests/faults` makes the faults.

mod faults;
mod kills;
mod runners;
mod stop;

use flowgate_tests::Options;
use flowgate_tests::crash::flows::FILES;

/// A server that takes whatever the clients send at a time, with a workspace.
fn options() -> Options {
    Options::new()
        .env("FLOWGATE_MAX_CONCURRENCY", 256)
        .file(&format!("{FILES}/readme.txt"), "What flows write lies here.\n")
}
