//! The `flowgate` binary. Everything is in the library; see `flowgate::cli`.

fn main() -> std::process::ExitCode {
    flowgate::cli::main()
}
