//! Reads `[workers]`.

use figment::value::Value;

use super::fault::Fault;
use super::read_slurm;
use super::reader::{Table, Takes, shown};
use super::settings::{DeviceWish, Engine, RunsPerGpu, Workers};

/// Reads `[workers]`.
pub fn workers(root: &Table<'_>) -> Workers {
    let table = root.table("workers");
    table.takes("device", || vec![Takes::names(["auto", "cpu", "cuda"]), Takes::Form("^cuda:[0-9]+$")]);
    let text = table.text("device");
    let wish = DeviceWish::parse(&text).unwrap_or_else(|error| {
        let fault = Fault::new(format!("`device` is {}, {error}", shown(&Value::from(text.as_str()))));
        // What is no text is a fault already.
        if table.is_text("device") {
            table.fault("device", fault);
        }
        DeviceWish::Cpu
    });
    let engine = table.choice("engine", &[("local", Engine::Local), ("slurm", Engine::Slurm)]);
    let slurm = read_slurm::slurm(&table);
    if engine == Engine::Slurm {
        read_slurm::check_device(&table, wish, &slurm);
    }
    let settings = Workers {
        engine,
        slots: table.integer("slots", 0..=1024) as u32,
        threads: table.integer("threads", 0..=1024) as u32,
        runs_per_gpu: runs_per_gpu(&table),
        time_limit_minutes: table.number("time_limit_minutes", 0.0..=100_000.0),
        hang_minutes: table.number("hang_minutes", 0.0..=100_000.0),
        wish,
        device: wish.kind(),
        checkpoint_minutes: table.number("checkpoint_minutes", 0.0..=100_000.0),
        slurm,
    };
    table.finish();
    settings
}

fn runs_per_gpu(table: &Table<'_>) -> RunsPerGpu {
    table.takes("runs_per_gpu", || vec![Takes::integer(&(1..=64)), Takes::names(["auto"])]);
    match table.is_text("runs_per_gpu") {
        true => table.choice("runs_per_gpu", &[("auto", RunsPerGpu::Auto)]),
        false => RunsPerGpu::Fixed(table.integer("runs_per_gpu", 1..=64) as u32),
    }
}
