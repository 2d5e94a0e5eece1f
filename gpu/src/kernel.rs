//! Tier 2: one kernel as a pipeline on the host's device.
//!
//! Three calls: [`Kernel::new`] once, [`Kernel::bind`] once per set of buffers, [`Bound::encode`] per step. The last
//! one records into the host's pass and does nothing else.

use std::ops::Range;

use bellwether_shaders::{Access, ArgsSpace, Dialect, Role, Source};

use crate::bind::check_bindings;
use crate::context::describe;
use crate::error::Error;
use crate::scope::Scope;

/// A compiled kernel. Cloning is cheap: wgpu's handles are counted.
#[derive(Clone, Debug)]
pub struct Kernel {
    source: &'static Source,
    dialect: Dialect,
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

/// A kernel with its buffers, ready to be recorded any number of times.
#[derive(Clone, Debug)]
pub struct Bound {
    source: &'static Source,
    dialect: Dialect,
    ranges: Vec<(wgpu::Buffer, Range<u64>)>,
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    groups: [u32; 3],
}

impl Kernel {
    /// Compiles `source` in `dialect`, with wgpu's bounds checks and without clearing workgroup memory, which every
    /// kernel writes before it reads.
    ///
    /// # Errors
    /// [`Error::Shader`] with the compiler's text, [`Error::LimitTooSmall`] where the device is below WebGPU's base
    /// limits, [`Error::OutOfMemory`].
    pub fn new(device: &wgpu::Device, source: &'static Source, dialect: Dialect) -> Result<Self, Error> {
        let text = source.in_dialect(dialect);
        let scope = Scope::open(device);
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(source.op),
            source: wgpu::ShaderSource::Wgsl(text.into()),
        });
        caught(device, source, scope)?;
        Self::from_module(device, source, dialect, &module, false)
    }

    /// Makes the pipeline from a module that the host compiled itself from `source.in_dialect(dialect)`: with bounds
    /// checks off, or from a translation.
    ///
    /// # Errors
    /// As [`Kernel::new`].
    pub fn from_module(
        device: &wgpu::Device,
        source: &'static Source,
        dialect: Dialect,
        module: &wgpu::ShaderModule,
        zero_workgroup_memory: bool,
    ) -> Result<Self, Error> {
        check_limits(device, source, dialect)?;
        let scope = Scope::open(device);
        let layout = bind_group_layout(device, source, dialect);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(source.op),
            bind_group_layouts: &[Some(&layout)],
            ..Default::default()
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(source.op),
            layout: Some(&pipeline_layout),
            module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                zero_initialize_workgroup_memory: zero_workgroup_memory,
                ..Default::default()
            },
            cache: None,
        });
        caught(device, source, scope)?;
        Ok(Self { source, dialect, pipeline, layout })
    }

    /// The kernel's page in the shader table.
    #[must_use]
    pub const fn source(&self) -> &'static Source {
        self.source
    }

    /// The dialect it was compiled in.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Binds buffers in the order of [`Source::bindings`], arguments last, for `units` of work: rows, segments or
    /// tiles, as the signature says. Everything that wgpu would refuse later is refused here, by name.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] for a wrong number of bindings or too small an argument block,
    /// [`Error::BufferUsage`], [`Error::Misaligned`], [`Error::LimitTooSmall`], [`Error::AliasedBuffers`].
    pub fn bind(
        &self,
        device: &wgpu::Device,
        bindings: &[wgpu::BufferBinding<'_>],
        units: usize,
    ) -> Result<Bound, Error> {
        let op = self.source.op;
        let limits = device.limits();
        check_bindings(self.source, self.dialect, bindings, &limits)?;
        let units = crate::error::index(op, "units", units as u64)?;
        let most = limits.max_compute_workgroups_per_dimension;
        let groups = self.source.dispatch_within(units, most);
        if let Some(&need) = groups.iter().find(|&&count| count > most) {
            let limit = "max_compute_workgroups_per_dimension";
            let (need, have) = (u64::from(need), u64::from(most));
            return Err(Error::LimitTooSmall { op, arg: "units", limit, need, have });
        }
        let scope = Scope::open(device);
        let group = self.group(device, bindings);
        if let Some(found) = scope.close_now() {
            return Err(found.into_error(op, "bindings", 0));
        }
        let ranges = bindings.iter().map(|given| (given.buffer.clone(), bytes(given))).collect();
        let (source, dialect, pipeline) = (self.source, self.dialect, self.pipeline.clone());
        Ok(Bound { source, dialect, ranges, pipeline, group, groups })
    }

    fn group(&self, device: &wgpu::Device, bindings: &[wgpu::BufferBinding<'_>]) -> wgpu::BindGroup {
        let entries: Vec<_> = (0u32..)
            .zip(bindings)
            .map(|(binding, given)| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(given.clone()),
            })
            .collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(self.source.op),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

impl Bound {
    /// Records the dispatch. Never submits, blocks, reads back or allocates.
    pub fn encode(&self, pass: &mut wgpu::ComputePass<'_>) {
        let [x, y, z] = self.groups;
        #[cfg(feature = "trace")]
        tracing::trace!(op = self.source.op, kernel = self.source.kernel, x, y, z, "dispatch");
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(x, y, z);
    }

    /// Operator and kernel.
    #[must_use]
    pub const fn name(&self) -> (&'static str, &'static str) {
        (self.source.op, self.source.kernel)
    }

    /// The kernel's page in the shader table and the dialect it was compiled in: its text, for whoever runs it elsewhere.
    #[must_use]
    pub const fn text_of(&self) -> (&'static Source, Dialect) {
        (self.source, self.dialect)
    }

    /// The buffers in the order of [`Source::bindings`], and which bytes of each are bound.
    #[must_use]
    pub fn ranges(&self) -> &[(wgpu::Buffer, Range<u64>)] {
        &self.ranges
    }

    /// Workgroups of the dispatch.
    #[must_use]
    pub const fn groups(&self) -> [u32; 3] {
        self.groups
    }
}

/// The bytes of its buffer that a binding holds.
fn bytes(given: &wgpu::BufferBinding<'_>) -> Range<u64> {
    let end = given.size.map_or(given.buffer.size(), |size| given.offset + size.get());
    given.offset..end
}

/// What the compiler said, with the adapter that it said it for.
fn caught(device: &wgpu::Device, source: &'static Source, scope: Scope) -> Result<(), Error> {
    let Some(found) = scope.close_now() else { return Ok(()) };
    let adapter = describe(&device.adapter_info());
    match found.into_error(source.op, source.kernel, 0) {
        Error::Refused { op, arg: kernel, text } => Err(Error::Shader { op, kernel, adapter, text }),
        other => Err(other),
    }
}

/// Whether the device runs a workgroup of this kernel at all.
fn check_limits(device: &wgpu::Device, source: &'static Source, dialect: Dialect) -> Result<(), Error> {
    let limits = device.limits();
    let uniform = u64::from(matches!(dialect.args, ArgsSpace::Uniform));
    let storage = (source.bindings.len() as u64).saturating_sub(uniform);
    let lanes = source.workgroup.into();
    let pairs = [
        ("max_compute_invocations_per_workgroup", lanes, limits.max_compute_invocations_per_workgroup),
        ("max_storage_buffers_per_shader_stage", storage, limits.max_storage_buffers_per_shader_stage),
    ];
    for (limit, need, have) in pairs {
        let have = u64::from(have);
        if need > have {
            return Err(Error::LimitTooSmall { op: source.op, arg: source.kernel, limit, need, have });
        }
    }
    Ok(())
}

/// The layout that the binding table and the dialect ask for.
fn bind_group_layout(
    device: &wgpu::Device,
    source: &'static Source,
    dialect: Dialect,
) -> wgpu::BindGroupLayout {
    let entries: Vec<_> = (0u32..)
        .zip(source.bindings)
        .map(|(binding, declared)| {
            let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
            let ty = match declared.role {
                Role::Result => storage(false),
                Role::Args => match dialect.args {
                    ArgsSpace::Uniform => wgpu::BufferBindingType::Uniform,
                    ArgsSpace::Read => storage(true),
                    ArgsSpace::ReadWrite => storage(false),
                },
                _ => storage(!is_pooled(dialect)),
            };
            wgpu::BindGroupLayoutEntry {
                binding,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
                count: None,
            }
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(source.op),
        entries: &entries,
    })
}

/// Whether inputs are declared `read_write`.
pub(crate) const fn is_pooled(dialect: Dialect) -> bool {
    matches!(dialect.inputs, Access::ReadWrite)
}
