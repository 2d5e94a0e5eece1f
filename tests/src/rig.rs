//! A GPU backend under test: a device, a dialect, a mode, and memory laid out to catch whatever a kernel does wrong.

mod function;
mod fused_pairs;
mod layout;
mod linear;
mod list;
mod map;
mod memory;
mod pairs;
mod policy;
mod remote;
mod run;
mod scan;
mod single_step;
mod step;
mod tdpo;
mod token;
mod top;
mod wide;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use bellwether_core::Storage;
use bellwether_gpu::{Context, Dialect, Error, Kernel, Selector, Source, wgpu};

pub use fused_pairs::{FusedPairResults, FusedPairRun, HeadRun};
pub use linear::LinearRun;
pub use memory::{Arena, Handle, Memory};
pub use pairs::LogitPairRun;
pub use remote::Remote;
pub use run::PairPlanes;
pub use token::TokenRun;

/// Whether the driver's safety net is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bounds checks as wgpu makes them, workgroup memory zeroed.
    Default,
    /// No bounds checks, workgroup memory left as it is: what burn and cubecl give a kernel.
    Hostile,
}

/// A change to one kernel's text, for proving that the suite would notice.
#[derive(Clone, Copy, Debug)]
pub struct Edit {
    /// The kernel; every one that holds the text where none is named.
    pub kernel: Option<&'static str>,
    /// What must stand in its text, exactly once.
    pub old: &'static str,
    /// What stands there instead.
    pub new: &'static str,
}

/// A device, a dialect and a mode.
pub struct Rig {
    context: Rc<Context>,
    dialect: Dialect,
    mode: Mode,
    edit: Option<Edit>,
    remote: Option<Rc<Remote>>,
    name: String,
    kernels: RefCell<HashMap<Key, Kernel>>,
    /// Before the edit.
    sound: HashMap<Key, Kernel>,
    ran: RefCell<Ran>,
    focus: RefCell<Option<Ran>>,
}

/// Operator, kernel, dialect.
type Key = (&'static str, &'static str, Dialect);

/// Operators and kernels that a run dispatches.
pub type Ran = BTreeSet<(&'static str, &'static str)>;

impl Rig {
    /// A rig on a device.
    pub fn new(context: &Rc<Context>, dialect: Dialect, mode: Mode) -> Self {
        let dialect_name = if dialect == Dialect::POOLED { "pooled" } else { "exclusive" };
        let mode_name = if mode == Mode::Hostile { "hostile" } else { "default" };
        Self {
            context: Rc::clone(context),
            dialect,
            mode,
            edit: None,
            remote: None,
            name: format!("gpu {dialect_name} {mode_name}"),
            kernels: RefCell::default(),
            sound: HashMap::new(),
            ran: RefCell::default(),
            focus: RefCell::default(),
        }
    }

    /// The four rigs of a device: two dialects in two modes.
    pub fn all(context: &Rc<Context>) -> Vec<Self> {
        let dialects = [Dialect::EXCLUSIVE, Dialect::POOLED];
        let modes = [Mode::Default, Mode::Hostile];
        dialects.into_iter().flat_map(|d| modes.map(|m| Self::new(context, d, m))).collect()
    }

    /// A rig on a device of little room, so that small arrays are cut into windows of rows that begin anywhere, and
    /// small dispatches folded into two directions, without the safety net: what stands behind a window is another's.
    ///
    /// # Errors
    /// There is no device.
    pub fn tight() -> Result<Self, Error> {
        let small = |limits: &mut wgpu::Limits| {
            limits.max_storage_buffer_binding_size = 1 << 16;
            limits.max_compute_workgroups_per_dimension = 10;
        };
        let context = Context::with_limits_blocking(Selector::Default, small)?;
        let rig = Self::new(&Rc::new(context), Dialect::POOLED, Mode::Hostile);
        Ok(Self { name: "gpu with little room".to_owned(), ..rig })
    }

    /// Two rigs, one per dialect, whose kernels another program runs. The device only lays out and records.
    pub fn remote(context: &Rc<Context>, remote: &Rc<Remote>) -> Vec<Self> {
        let rig = |(dialect, name): (Dialect, &str)| {
            let (remote, name) = (Some(Rc::clone(remote)), format!("remote {name}"));
            Self { remote, name, ..Self::new(context, dialect, Mode::Default) }
        };
        [(Dialect::EXCLUSIVE, "exclusive"), (Dialect::POOLED, "pooled")].map(rig).into()
    }

    /// The same rig with a text changed; kernels that do not hold it are not compiled again.
    pub fn with_edit(&self, edit: Edit) -> Self {
        let name = format!("{} with an edit", self.name);
        let sound = self.kernels.borrow().clone();
        let mut kernels = sound.clone();
        kernels.retain(|_, kernel| !edit.applies_to(kernel.source()));
        let (kernels, remote) = (RefCell::new(kernels), self.remote.clone());
        let plain = Self::new(&self.context, self.dialect, self.mode);
        Self { edit: Some(edit), remote, name, kernels, sound, ..plain }
    }

    /// What has been dispatched since this was asked last.
    pub fn ran(&self) -> Ran {
        self.ran.take()
    }

    /// From now on the edit is made in these kernels only, where others are compiled already: those that a case
    /// dispatches, of all that its plan holds; `None`: in every kernel again.
    pub fn focus(&self, on: Option<&Ran>) {
        self.focus.replace(on.cloned());
    }

    /// Whether the device is no more.
    pub fn is_lost(&self) -> bool {
        self.context.lost().is_some()
    }

    /// The name in reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether all arrays are slices of one buffer.
    fn pooled(&self) -> bool {
        self.dialect == Dialect::POOLED
    }

    /// How arrays lie in their slices: without gaps where each has a buffer of its own, otherwise with offsets and
    /// strides that a kernel must heed.
    fn spread(&self) -> Spread {
        if self.pooled() { Spread { lead: 3, step: 2, gap: 5 } } else { Spread { lead: 0, step: 1, gap: 0 } }
    }

    /// The kernel of a source in this rig's dialect and mode, compiled once.
    fn kernel(&self, source: &'static Source) -> Result<Kernel, Error> {
        self.kernel_in(source, self.dialect)
    }

    /// The same with wide arrays stored in this way.
    fn kernel_stored(&self, source: &'static Source, storage: Storage) -> Result<Kernel, Error> {
        self.kernel_in(source, self.dialect.stored(storage))
    }

    /// The kernel of a source in a given dialect: whole steps are always pooled.
    fn kernel_in(&self, source: &'static Source, dialect: Dialect) -> Result<Kernel, Error> {
        let key = (source.op, source.kernel, dialect);
        let away = self.focus.borrow().as_ref().is_some_and(|on| !on.contains(&(source.op, source.kernel)));
        let known = self.kernels.borrow().get(&key).cloned();
        if let Some(kernel) = known.or_else(|| self.sound.get(&key).filter(|_| away).cloned()) {
            return Ok(kernel);
        }
        let module = self.module(&self.text(source, dialect));
        let zeroed = self.mode == Mode::Default;
        let kernel = Kernel::from_module(self.context.device(), source, dialect, &module, zeroed)?;
        self.kernels.borrow_mut().insert(key, kernel.clone());
        Ok(kernel)
    }

    /// The text of a source, changed where the rig's edit applies.
    fn text(&self, source: &Source, dialect: Dialect) -> String {
        let text = source.in_dialect(dialect);
        match self.edit {
            Some(edit) if edit.applies_to(source) => text.replacen(edit.old, edit.new, 1),
            _ => text,
        }
    }

    fn module(&self, text: &str) -> wgpu::ShaderModule {
        let descriptor =
            wgpu::ShaderModuleDescriptor { label: None, source: wgpu::ShaderSource::Wgsl(text.into()) };
        match self.mode {
            Mode::Default => self.context.device().create_shader_module(descriptor),
            Mode::Hostile => trusted(self.context.device(), descriptor),
        }
    }
}

/// Elements before an array, from one element to the next where strides are free, and between rows or planes.
#[derive(Clone, Copy, Debug)]
struct Spread {
    lead: usize,
    step: usize,
    gap: usize,
}

impl Spread {
    /// Rows of neighbours, `width` wide, from place 0 on: where element `i` stands.
    fn rows(self, width: usize) -> impl Fn(usize) -> usize {
        move |i| i / width.max(1) * (width + self.gap) + i % width.max(1)
    }

    /// The same behind the lead.
    fn planes(self, width: usize) -> impl Fn(usize) -> usize {
        let rows = self.rows(width);
        move |i| self.lead + rows(i)
    }
}

impl Edit {
    /// Whether the edit is of this source: its kernel's name if one is named, and its text holds `old` once.
    pub fn applies_to(&self, source: &Source) -> bool {
        self.kernel.is_none_or(|kernel| kernel == source.kernel) && source.text.matches(self.old).count() == 1
    }
}

/// A module without bounds checks.
#[expect(
    unsafe_code,
    reason = "the hostile mode exists to run kernels without wgpu's checks, as other hosts do"
)]
fn trusted(device: &wgpu::Device, descriptor: wgpu::ShaderModuleDescriptor<'_>) -> wgpu::ShaderModule {
    // SAFETY: every kernel guards its own indices and loops end by arguments that the host wrote; that this holds is
    // what the suite tests, on software devices first.
    unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
}
