//! The backends that a command judges.

use std::rc::Rc;

use bellwether_check::problem::{Backend, RunError};
use bellwether_check::rig::{Remote, Rig};
use bellwether_gpu::{Context, Selector, wgpu};

use super::{Common, Which};

/// The CPU, and the rigs of one device where there is one.
pub(super) struct Backends {
    cpu: bool,
    rigs: Vec<Rig>,
    /// Whether the options name a GPU, so that its absence is an error.
    demanded: bool,
    /// The device, or why there is none.
    device: Result<String, String>,
}

impl Backends {
    /// What the options ask for, as far as it is there.
    pub(super) fn new(common: &Common) -> Self {
        let cpu = common.backend != Which::Gpu;
        if common.backend == Which::Cpu {
            let device = Err("none was asked for (--backend cpu)".into());
            return Self { cpu, rigs: Vec::new(), demanded: false, device };
        }
        let demanded = !cpu || common.device.is_some();
        match Context::select_blocking(selector(common.device.as_deref())) {
            Ok(context) => {
                let context = Rc::new(context);
                Self { cpu, rigs: Rig::all(&context), demanded, device: Ok(context.describe()) }
            }
            Err(error) => Self { cpu, rigs: Vec::new(), demanded, device: Err(error.to_string()) },
        }
    }

    /// The rigs of another program; its device is the one judged.
    pub(super) fn through(common: &Common, program: &str, args: &[String]) -> Result<Self, RunError> {
        let remote = Rc::new(Remote::start(program, args)?);
        // Laid out for any WebGPU device: the program's may have no more than the base limits.
        let base = |limits: &mut wgpu::Limits| *limits = wgpu::Limits::default();
        let context = Rc::new(Context::with_limits_blocking(selector(common.device.as_deref()), base)?);
        let rigs = Rig::remote(&context, &remote);
        let cpu = common.backend != Which::Gpu;
        Ok(Self { cpu, rigs, demanded: true, device: Ok(remote.device().to_owned()) })
    }

    /// All of them.
    pub(super) fn list(&self) -> Vec<Backend<'_>> {
        let cpu = self.cpu.then_some(Backend::CpuF32);
        cpu.into_iter().chain(self.rigs.iter().map(Backend::Gpu)).collect()
    }

    /// The error, where the options name a GPU and there is none.
    pub(super) fn missing(&self) -> Option<&String> {
        self.device.as_ref().err().filter(|_| self.demanded)
    }

    /// The first and the last line of a report.
    pub(super) fn headline(&self) -> String {
        match &self.device {
            Ok(device) => format!("GPU: {device}"),
            Err(why) => format!("NO GPU WAS JUDGED: {why}"),
        }
    }
}

fn selector(device: Option<&str>) -> Selector<'_> {
    match device.map(|text| (text, text.parse())) {
        None => Selector::Default,
        Some((_, Ok(index))) => Selector::Index(index),
        Some((name, Err(_))) => Selector::Name(name),
    }
}
