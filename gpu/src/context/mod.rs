//! Tier 3: a device of one's own (or a borrowed one), slices in, vectors out. For scripts, tests and commands.
//!
//! Every asynchronous function has a twin `…_blocking` on native targets. Natively the asynchronous ones wait inside
//! the driver too; in a browser they give the thread back.

#[cfg(not(target_family = "wasm"))]
mod blocking;
mod distillation;
mod divergences;
mod lists;
mod maps;
mod memory;
mod ops;
mod pairs;
mod policies;
mod rows;
mod scans;
mod segments;
mod select;
mod step;
mod top;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether_shaders::{Dialect, Source};

pub use distillation::{FusedPairInputs, FusedPairPlanes, HeadInputs};
pub use divergences::{LogitPairInputs, LogitPairUpstream};
pub use lists::{ListInputs, ListOutputs};
pub use maps::MapInputs;
pub use memory::POISON;
pub use ops::{LinearGradients, LinearInputs, Planes, TokenInputs, TokenUpstream};
pub use pairs::PairInputs;
pub use policies::{PolicyInputs, PolicyOutputs};
pub use scans::ScanInputs;
pub use segments::SegmentInputs;
pub use select::Selector;
pub use step::{StepData, StepInputs, StepOutputs};
pub use top::TopUpstream;

use crate::error::Error;
use crate::kernel::Kernel;

/// What the device said behind our back.
#[derive(Debug, Default)]
struct Faults {
    lost: Option<String>,
    uncaptured: Option<String>,
}

/// Kernels that are compiled already, by operator, kernel and dialect.
type Cache = HashMap<(&'static str, &'static str, Dialect), Kernel>;

/// A device, its queue, and the kernels compiled on it.
#[derive(Debug)]
pub struct Context {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: wgpu::AdapterInfo,
    faults: Arc<Mutex<Faults>>,
    cache: Mutex<Cache>,
    timeout: Duration,
}

impl Context {
    /// Borrows a host's device. Its error handlers stay as they are.
    #[must_use]
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let info = device.adapter_info();
        let (faults, cache, timeout) = (Arc::default(), Mutex::default(), Duration::from_secs(60));
        Self { device, queue, info, faults, cache, timeout }
    }

    /// Takes a device that nobody else has: errors outside of every scope are kept instead of panicking.
    fn own(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        let context = Self::from_device(device, queue);
        let faults = Arc::clone(&context.faults);
        context.device.set_device_lost_callback(move |reason, text| {
            lock(&faults).lost = Some(format!("{reason:?}: {text}"));
        });
        let faults = Arc::clone(&context.faults);
        context.device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            lock(&faults).uncaptured.get_or_insert_with(|| error.to_string());
        }));
        context
    }

    /// The device.
    #[must_use]
    pub const fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// The queue.
    #[must_use]
    pub const fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// The adapter: name, driver, kind.
    #[must_use]
    pub const fn info(&self) -> &wgpu::AdapterInfo {
        &self.info
    }

    /// Adapter, backend and driver in one line, for reports.
    #[must_use]
    pub fn describe(&self) -> String {
        describe(&self.info)
    }

    /// Why the device is lost, once it is.
    #[must_use]
    pub fn lost(&self) -> Option<String> {
        lock(&self.faults).lost.clone()
    }

    /// How long a result is waited for; 60 s unless said otherwise. Browsers have no such limit.
    pub const fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    /// A kernel, compiled once per dialect.
    ///
    /// # Errors
    /// Those of [`Kernel::new`].
    pub fn kernel(&self, source: &'static Source, dialect: Dialect) -> Result<Kernel, Error> {
        let key = (source.op, source.kernel, dialect);
        if let Some(kernel) = lock(&self.cache).get(&key) {
            return Ok(kernel.clone());
        }
        self.alive()?;
        let kernel = Kernel::new(&self.device, source, dialect)?;
        lock(&self.cache).insert(key, kernel.clone());
        Ok(kernel)
    }

    /// An error once the device is lost, or when something went wrong outside of every scope.
    fn alive(&self) -> Result<(), Error> {
        let mut faults = lock(&self.faults);
        if let Some(text) = faults.lost.clone() {
            return Err(Error::DeviceLost { text });
        }
        match faults.uncaptured.take() {
            Some(text) => Err(Error::Refused { op: "context", arg: "device", text }),
            None => Ok(()),
        }
    }
}

/// Adapter, backend and driver in one line.
pub(crate) fn describe(info: &wgpu::AdapterInfo) -> String {
    format!("{} ({}, {} {})", info.name, info.backend, info.driver, info.driver_info)
}

/// A lock that survives a panic elsewhere: what it guards is whole after every statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
