//! What `bind` checks: count, usage, alignment, sizes, and which bindings may share memory.

use bellwether_shaders::{ArgsSpace, Dialect, Role, Source};

use crate::error::Error;
use crate::kernel::is_pooled;
use crate::slice::ELEMENT;

/// A binding with its size spelled out.
struct Range<'a> {
    name: &'static str,
    role: Role,
    buffer: &'a wgpu::Buffer,
    offset: u64,
    size: u64,
}

/// Everything that `Kernel::bind` refuses about its buffers.
pub(crate) fn check_bindings(
    source: &'static Source,
    dialect: Dialect,
    bindings: &[wgpu::BufferBinding<'_>],
    limits: &wgpu::Limits,
) -> Result<(), Error> {
    let op = source.op;
    if bindings.len() != source.bindings.len() {
        let (expected, given) = (source.bindings.len() as u64, bindings.len() as u64);
        return Err(Error::ShapeMismatch { op, arg: "bindings", expected, given });
    }
    let ranges: Vec<Range<'_>> = source
        .bindings
        .iter()
        .zip(bindings)
        .map(|(declared, given)| Range {
            name: declared.name,
            role: declared.role,
            buffer: given.buffer,
            offset: given.offset,
            size: given.size.map_or(given.buffer.size().saturating_sub(given.offset), u64::from),
        })
        .collect();
    for range in &ranges {
        range.check_size(op, source.args_words() as u64 * ELEMENT)?;
        range.check_device(op, limits, dialect)?;
    }
    check_aliases(op, dialect, &ranges)
}

impl Range<'_> {
    const fn is_args(&self) -> bool {
        matches!(self.role, Role::Args)
    }

    const fn is_result(&self) -> bool {
        matches!(self.role, Role::Result)
    }

    /// Whether the binding lies in its buffer and is large enough to be one.
    fn check_size(&self, op: &'static str, args_bytes: u64) -> Result<(), Error> {
        let arg = self.name;
        let least = if self.is_args() { args_bytes } else { ELEMENT };
        let inside = self.buffer.size().saturating_sub(self.offset).min(self.size);
        if inside < self.size || self.size < least {
            let (expected, given) = (self.size.max(least) / ELEMENT, inside / ELEMENT);
            return Err(Error::ShapeMismatch { op, arg, expected, given });
        }
        if !self.size.is_multiple_of(ELEMENT) {
            return Err(Error::Misaligned { op, arg, given: self.size, align: ELEMENT });
        }
        Ok(())
    }

    /// Usage, offset alignment and the binding limit.
    fn check_device(&self, op: &'static str, limits: &wgpu::Limits, dialect: Dialect) -> Result<(), Error> {
        let arg = self.name;
        let (usage, need, align, limit, have) =
            if self.is_args() && matches!(dialect.args, ArgsSpace::Uniform) {
                let align = limits.min_uniform_buffer_offset_alignment;
                let have = limits.max_uniform_buffer_binding_size;
                (wgpu::BufferUsages::UNIFORM, "UNIFORM", align, "max_uniform_buffer_binding_size", have)
            } else {
                let align = limits.min_storage_buffer_offset_alignment;
                let have = limits.max_storage_buffer_binding_size;
                (wgpu::BufferUsages::STORAGE, "STORAGE", align, "max_storage_buffer_binding_size", have)
            };
        if !self.buffer.usage().contains(usage) {
            let have = format!("{:?}", self.buffer.usage());
            return Err(Error::BufferUsage { op, arg, need, have });
        }
        let align = u64::from(align.max(1));
        if !self.offset.is_multiple_of(align) {
            return Err(Error::Misaligned { op, arg, given: self.offset, align });
        }
        if self.size > have {
            return Err(Error::LimitTooSmall { op, arg, limit, need: self.size, have });
        }
        Ok(())
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.buffer == other.buffer
            && self.offset < other.offset.saturating_add(other.size)
            && other.offset < self.offset.saturating_add(self.size)
    }
}

/// wgpu refuses shared memory only when the commands are submitted, far from the mistake; so it is refused here.
fn check_aliases(op: &'static str, dialect: Dialect, ranges: &[Range<'_>]) -> Result<(), Error> {
    for (i, a) in ranges.iter().enumerate() {
        for b in &ranges[i + 1..] {
            if let Some(why) = conflict(dialect, a, b) {
                return Err(Error::AliasedBuffers { op, a: a.name, b: b.name, why });
            }
        }
    }
    Ok(())
}

/// Why two bindings cannot be used together.
fn conflict(dialect: Dialect, a: &Range<'_>, b: &Range<'_>) -> Option<&'static str> {
    if a.buffer != b.buffer {
        return None;
    }
    let written = a.is_result() || b.is_result();
    let args = a.is_args() || b.is_args();
    if args && (written || is_pooled(dialect)) {
        return Some("arguments stand in a buffer of their own");
    }
    if written && !is_pooled(dialect) {
        return Some("the exclusive dialect reads one and writes the other; use Dialect::POOLED for slices");
    }
    let shared = a.overlaps(b) && !args;
    if written && shared {
        return Some("the result's range overlaps an input's");
    }
    // Browsers count every `read_write` binding as written.
    if cfg!(target_family = "wasm") && is_pooled(dialect) && shared {
        return Some("a browser refuses overlapping read_write bindings");
    }
    None
}
