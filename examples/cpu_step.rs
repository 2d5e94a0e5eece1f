//! One DPO step on the CPU: logits in, loss, rewards and gradient out, in f64.
//!
//! Prints what a training log shows, then checks the gradient against finite differences of the loss.
//!
//! `cargo run --release -p bellwether-examples --example cpu_step`

use std::process::ExitCode;

use bellwether_core::Error;
use bellwether_core::sig::token_rows::Labels;
use bellwether_core::sig::{Reduction, pair_rows};
use bellwether_cpu_ref::pair_rows::Extras;
use bellwether_cpu_ref::step::{Batch, Reference};
use bellwether_examples::{dpo_step, noise, wide};

/// Three pairs: three chosen responses, then three rejected ones, each of eight tokens from a vocabulary of 32.
const PAIRS: usize = 3;
const LEN: usize = 8;
const VOCABULARY: usize = 32;
const ROWS: usize = 2 * PAIRS * LEN;

/// The largest distance between the gradient and central differences of the loss, over all logits.
fn gradient_error(batch: &Batch<'_, f64>, logits: &[f64], gradient: &[f64]) -> Result<f64, Error> {
    const STEP: f64 = 1e-4;
    let mut moved = logits.to_vec();
    let mut worst = 0.0f64;
    for (i, &slope) in gradient.iter().enumerate() {
        let mut loss_at = |x: f64| {
            moved[i] = x;
            dpo_step(batch, &moved, VOCABULARY).map(|step| step.summary[0])
        };
        let difference = (loss_at(logits[i] + STEP)? - loss_at(logits[i] - STEP)?) / (2.0 * STEP);
        moved[i] = logits[i];
        worst = worst.max((difference - slope).abs());
    }
    Ok(worst)
}

fn run() -> Result<bool, Error> {
    let logits = wide(&noise(ROWS * VOCABULARY, 1));
    // The first two tokens of every response are the prompt.
    let label = |i: usize| if i % LEN < 2 { -100 } else { (i * 7 % VOCABULARY) as i32 };
    let labels: Vec<i32> = (0..ROWS).map(label).collect();
    let batch = Batch {
        labels: &labels,
        // Row t of the logits scores token t + 1; label -100 does not count: Hugging Face's convention.
        rules: Labels::next(LEN),
        pairs: PAIRS,
        len: LEN,
        // The reference model's log-probability of every response.
        reference: Reference::Sequence(&[-31.0, -28.5, -35.0, -30.0, -33.0, -29.0]),
        // The denominator is explicit, so that micro-batches add up to the batch.
        reduction: Reduction::Mean { over: PAIRS as u32 },
        extras: Extras::default(),
    };
    let step = dpo_step(&batch, &logits, VOCABULARY)?;

    let plane = |i: usize| &step.pairs[i * PAIRS..][..PAIRS];
    println!("pair   loss      reward of chosen   of rejected");
    for i in 0..PAIRS {
        let [loss, chosen, rejected] =
            [pair_rows::LOSS, pair_rows::REWARD_CHOSEN, pair_rows::REWARD_REJECTED].map(|p| plane(p)[i]);
        println!("{i:>4}   {loss:<9.5} {chosen:<+18.5} {rejected:<+.5}");
    }
    let [loss, chosen, rejected, margin, accuracy] = step.summary;
    println!(
        "mean   {loss:<9.5} {chosen:<+18.5} {rejected:<+.5}   margin {margin:+.5}, accuracy {accuracy:.3}"
    );

    let error = gradient_error(&batch, &logits, &step.d_logits)?;
    let largest = step.d_logits.iter().fold(0.0f64, |most, g| most.max(g.abs()));
    println!("gradient of {} logits: largest entry {largest:.3e}", step.d_logits.len());
    println!("against finite differences: worst distance {error:.1e}");
    Ok(error < 1e-8)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => {
            println!("The gradient is the derivative of the loss.");
            ExitCode::SUCCESS
        }
        Ok(false) => {
            println!("DISAGREES: the gradient is not the derivative of the loss.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
