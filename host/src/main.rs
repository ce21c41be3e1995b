//! The `flowgate` binary. Everything is in the library; see `flowgate::cli`.

/// The system's allocator takes an eighth of a loaded server's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    flowgate::cli::main()
}
