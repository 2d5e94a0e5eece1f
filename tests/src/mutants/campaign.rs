//! Many mutants at once, on as many devices as the machine has cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use bellwether_gpu::Error;

use super::{Bench, Mutant};

/// Who notices each mutant, up to `limit` of them; `done` is told of each as it is judged.
///
/// # Errors
/// There is no device.
///
/// # Panics
/// When the kernels fail a case as they stand.
pub fn run(
    mutants: &[Mutant],
    limit: usize,
    done: impl Fn(&Mutant, &[String]) + Sync,
) -> Result<Vec<Vec<String>>, Error> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(mutants.len().max(1));
    let next = AtomicUsize::new(0);
    let killers = Mutex::new(vec![Vec::new(); mutants.len()]);
    let work = || -> Result<(), Error> {
        let mut bench = Bench::new(mutants)?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(mutant) = mutants.get(at) else { return Ok(()) };
            if bench.is_lost() {
                bench = Bench::new(mutants)?;
            }
            let found = bench.killers(mutant, limit);
            done(mutant, &found);
            killers.lock().unwrap_or_else(PoisonError::into_inner)[at] = found;
        }
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        all.into_iter()
            .try_for_each(|one| one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    Ok(killers.into_inner().unwrap_or_else(PoisonError::into_inner))
}
