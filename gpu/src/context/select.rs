//! Which device.

use super::{Context, describe};
use crate::error::Error;

/// How an adapter is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Selector<'a> {
    /// What the system thinks fastest. It may be a CPU device where there is no other: see [`Context::info`].
    #[default]
    Default,
    /// A place in [`Context::list`].
    Index(usize),
    /// The first of [`Context::list`] whose name or driver contains this, whatever the case.
    Name(&'a str),
}

impl Context {
    /// The system's fastest device.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::NoDevice`].
    pub async fn new() -> Result<Self, Error> {
        Self::select(Selector::Default).await
    }

    /// A chosen device, with its own limits and no feature beyond WebGPU's base.
    ///
    /// # Errors
    /// As [`Context::new`].
    pub async fn select(selector: Selector<'_>) -> Result<Self, Error> {
        Self::with_limits(selector, |_| ()).await
    }

    /// A chosen device with limits changed by the caller, for example to a smaller device's.
    ///
    /// # Errors
    /// As [`Context::new`].
    pub async fn with_limits(
        selector: Selector<'_>,
        change: impl FnOnce(&mut wgpu::Limits),
    ) -> Result<Self, Error> {
        let adapter = adapter(selector).await?;
        let mut required_limits = adapter.limits();
        change(&mut required_limits);
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("bellwether"),
            required_features: wgpu::Features::empty(),
            required_limits,
            ..Default::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|error| Error::NoDevice {
            adapter: describe(&adapter.get_info()),
            text: error.to_string(),
        })?;
        Ok(Self::own(device, queue))
    }

    /// Every adapter of this machine, software ones included. A browser shows one.
    pub async fn list() -> Vec<wgpu::AdapterInfo> {
        match instance() {
            Some(instance) => all(&instance).await.iter().map(wgpu::Adapter::get_info).collect(),
            None => Vec::new(),
        }
    }
}

/// wgpu's instance, or `None` on a platform for which no backend was built.
fn instance() -> Option<wgpu::Instance> {
    let none = wgpu::Instance::enabled_backend_features().is_empty();
    (!none).then(wgpu::Instance::default)
}

async fn all(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    instance.enumerate_adapters(wgpu::Backends::all()).await
}

async fn adapter(selector: Selector<'_>) -> Result<wgpu::Adapter, Error> {
    let wanted = format!("{selector:?}");
    let Some(instance) = instance() else {
        return Err(Error::NoAdapter { wanted, found: "no backend for this platform".into() });
    };
    if selector == Selector::Default {
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let found = instance.request_adapter(&options).await;
        return found.map_err(|error| Error::NoAdapter { wanted, found: error.to_string() });
    }
    let mut adapters = all(&instance).await;
    let place = match selector {
        Selector::Index(i) => (i < adapters.len()).then_some(i),
        Selector::Name(name) => adapters.iter().position(|adapter| matches(&adapter.get_info(), name)),
        Selector::Default => None,
    };
    match place {
        Some(i) => Ok(adapters.swap_remove(i)),
        None => {
            let names: Vec<String> = adapters.iter().map(|adapter| describe(&adapter.get_info())).collect();
            Err(Error::NoAdapter { wanted, found: names.join("; ") })
        }
    }
}

fn matches(info: &wgpu::AdapterInfo, name: &str) -> bool {
    describe(info).to_lowercase().contains(&name.to_lowercase())
}
