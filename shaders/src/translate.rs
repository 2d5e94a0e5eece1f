//! The kernels in the languages below WGSL, by [naga].
//!
//! A binding keeps its number: `buffer(i)` in MSL, register `i` in HLSL, binding `i` in SPIR-V and GLSL. Metal's
//! array lengths, which naga asks for and our kernels never use, are at `buffer(30)`. Workgroup memory is not zeroed
//! and indices are not checked, since the kernels need neither.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use naga::back::{glsl, hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};

use crate::{Dialect, Source};

const ENTRY: &str = "main";
/// Metal's last buffer slot.
const SIZES_SLOT: u8 = 30;

/// What naga refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TranslateError {
    /// `parse`, `validate`, `spirv`, `msl`, `hlsl` or `glsl`.
    pub step: &'static str,
    /// naga's own words.
    pub message: String,
}

impl fmt::Display for TranslateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.message)
    }
}

impl core::error::Error for TranslateError {}

/// A kernel that naga has read and found valid.
#[derive(Debug)]
pub struct Module {
    module: naga::Module,
    info: ModuleInfo,
}

impl Module {
    /// Reads a kernel in a dialect.
    ///
    /// # Errors
    /// naga does not accept the text.
    pub fn new(source: &Source, dialect: Dialect) -> Result<Self, TranslateError> {
        let text = source.in_dialect(dialect);
        let module = naga::front::wgsl::parse_str(&text).map_err(at("parse"))?;
        let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .map_err(|e| TranslateError { step: "validate", message: e.emit_to_string(&text) })?;
        Ok(Self { module, info })
    }

    /// naga's representation and analysis, for reflection.
    #[must_use]
    pub const fn naga(&self) -> (&naga::Module, &ModuleInfo) {
        (&self.module, &self.info)
    }

    /// SPIR-V 1.0, as words.
    ///
    /// # Errors
    /// naga's backend fails.
    pub fn spirv(&self) -> Result<Vec<u32>, TranslateError> {
        let options = spv::Options {
            flags: spv::WriterFlags::LABEL_VARYINGS,
            zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
            ..spv::Options::default()
        };
        spv::write_vec(&self.module, &self.info, &options, None).map_err(at("spirv"))
    }

    /// Metal Shading Language 2.0; the entry point is `main_`, since `main` is taken there.
    ///
    /// # Errors
    /// naga's backend fails.
    pub fn msl(&self) -> Result<String, TranslateError> {
        let mut resources = BTreeMap::new();
        for (_, variable) in self.module.global_variables.iter() {
            if let Some(binding) = variable.binding {
                let buffer = u8::try_from(binding.binding).ok();
                resources.insert(binding, msl::BindTarget { buffer, mutable: true, ..Default::default() });
            }
        }
        let entry =
            msl::EntryPointResources { resources, immediates_buffer: None, sizes_buffer: Some(SIZES_SLOT) };
        let options = msl::Options {
            lang_version: (2, 0),
            per_entry_point_map: BTreeMap::from([(ENTRY.to_string(), entry)]),
            fake_missing_bindings: false,
            zero_initialize_workgroup_memory: false,
            ..msl::Options::default()
        };
        let written = msl::write_string(&self.module, &self.info, &options, &msl::PipelineOptions::default());
        written.map(|(text, _)| text).map_err(at("msl"))
    }

    /// HLSL for shader model 5.1.
    ///
    /// # Errors
    /// naga's backend fails.
    pub fn hlsl(&self) -> Result<String, TranslateError> {
        let options = hlsl::Options {
            zero_initialize_workgroup_memory: false,
            restrict_indexing: false,
            ..hlsl::Options::default()
        };
        let pipeline = hlsl::PipelineOptions::default();
        let mut text = String::new();
        hlsl::Writer::new(&mut text, &options, &pipeline)
            .write(&self.module, &self.info, None)
            .map_err(at("hlsl"))?;
        Ok(text)
    }

    /// GLSL ES 3.10.
    ///
    /// # Errors
    /// naga's backend fails.
    pub fn glsl(&self) -> Result<String, TranslateError> {
        let binding = |b: naga::ResourceBinding| u8::try_from(b.binding).map(|slot| (b, slot)).ok();
        let options = glsl::Options {
            binding_map: self
                .module
                .global_variables
                .iter()
                .filter_map(|(_, v)| binding(v.binding?))
                .collect(),
            zero_initialize_workgroup_memory: false,
            ..glsl::Options::default()
        };
        let pipeline = glsl::PipelineOptions {
            shader_stage: naga::ShaderStage::Compute,
            entry_point: ENTRY.to_string(),
            multiview: None,
        };
        let (mut text, policies) = (String::new(), naga::proc::BoundsCheckPolicies::default());
        glsl::Writer::new(&mut text, &self.module, &self.info, &options, &pipeline, policies)
            .and_then(|mut writer| writer.write())
            .map_err(at("glsl"))?;
        Ok(text)
    }
}

/// Turns a backend's error into ours.
fn at<E: ToString>(step: &'static str) -> impl Fn(E) -> TranslateError {
    move |e| TranslateError { step, message: e.to_string() }
}
