//! The `ablatrix` program: the exit code only; all else is `cli`.

fn main() -> std::process::ExitCode {
    ablatrix::cli::main()
}
