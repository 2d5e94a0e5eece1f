//! Slices of buffers, planes inside them, and windows of rows that respect the device's binding limit.

use bellwether_core::Storage;

use crate::Error;
use crate::error::{index, product};

/// Bytes of an element: every array here is made of 4-byte scalars, except matrices stored in 16 bits.
pub(crate) const ELEMENT: u64 = 4;

/// What layouts of this crate align to: no WebGPU device may ask for more.
pub(crate) const ALIGN: u64 = 256;

/// A part of a caller's buffer.
///
/// `offset` must be a multiple of the device's `min_storage_buffer_offset_alignment` (256 suits all devices).
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// The buffer.
    pub buffer: &'a wgpu::Buffer,
    /// Where the slice begins, in bytes.
    pub offset: u64,
    /// Its length, in bytes.
    pub size: u64,
}

impl<'a> Slice<'a> {
    /// The whole buffer.
    #[must_use]
    pub fn whole(buffer: &'a wgpu::Buffer) -> Self {
        Self { buffer, offset: 0, size: buffer.size() }
    }

    /// `elements` 4-byte elements from element `first` of this slice on. Whether they exist is checked where the
    /// slice is used.
    #[must_use]
    pub const fn part(self, first: u64, elements: u64) -> Self {
        let offset = self.offset.saturating_add(first.saturating_mul(ELEMENT));
        Self { buffer: self.buffer, offset, size: elements.saturating_mul(ELEMENT) }
    }

    /// How many 4-byte elements it holds.
    #[must_use]
    pub const fn elements(&self) -> u64 {
        self.size / ELEMENT
    }

    /// The slice as wgpu's binding. An empty slice binds the rest of the buffer, so it is never bound here.
    #[must_use]
    pub const fn binding(&self) -> wgpu::BufferBinding<'a> {
        let size = wgpu::BufferSize::new(self.size);
        wgpu::BufferBinding { buffer: self.buffer, offset: self.offset, size }
    }

    /// An error unless the slice holds `expected` elements and lies inside its buffer.
    pub(crate) fn holds(&self, op: &'static str, arg: &'static str, expected: u64) -> Result<(), Error> {
        let room = self.buffer.size().saturating_sub(self.offset).min(self.size) / ELEMENT;
        if room < expected {
            return Err(Error::ShapeMismatch { op, arg, expected, given: room });
        }
        Ok(())
    }
}

/// One array among several in a slice: where it begins and how far its elements are apart, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plane {
    /// Where element 0 stands.
    pub offset: usize,
    /// Elements from one to the next.
    pub stride: usize,
}

impl Plane {
    /// A plane of neighbours that begins at `offset`.
    #[must_use]
    pub const fn at(offset: usize) -> Self {
        Self { offset, stride: 1 }
    }

    /// The plane as the kernels index it, checked against the slice that holds its `n` elements.
    pub(crate) fn words(
        &self,
        op: &'static str,
        arg: &'static str,
        n: u64,
        slice: &Slice<'_>,
    ) -> Result<(u32, u32), Error> {
        let span = product(op, arg, n.saturating_sub(1), self.stride as u64)?;
        let end = span.checked_add(self.offset as u64).ok_or(Error::SizeOverflow { op, arg })?;
        slice.holds(op, arg, if n == 0 { 0 } else { end.saturating_add(1) })?;
        index(op, arg, end)?;
        Ok((index(op, arg, self.offset as u64)?, index(op, arg, self.stride as u64)?))
    }
}

/// An array `[rows, len]` among several in a slice, in elements: the part of a padded, interleaved or broadcast tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Where element (0, 0) stands.
    pub offset: usize,
    /// Elements from one row to the next; 0: every row is the same.
    pub row: usize,
    /// Elements from one column to the next; 0: one value per row.
    pub col: usize,
}

impl View {
    /// Rows of `len` elements without gaps, from `offset` on.
    #[must_use]
    pub const fn packed(offset: usize, len: usize) -> Self {
        Self { offset, row: len, col: 1 }
    }

    /// The view as the kernels index it, checked against the slice that holds its elements (one at least).
    pub(crate) fn words(
        &self,
        op: &'static str,
        arg: &'static str,
        [rows, len]: [u64; 2],
        slice: &Slice<'_>,
    ) -> Result<[u32; 3], Error> {
        let down = product(op, arg, rows.saturating_sub(1), self.row as u64)?;
        let first = down.checked_add(self.offset as u64).ok_or(Error::SizeOverflow { op, arg })?;
        let across = product(op, arg, len.saturating_sub(1), self.col as u64)?;
        let last = first.checked_add(across).ok_or(Error::SizeOverflow { op, arg })?;
        slice.holds(op, arg, last.saturating_add(1))?;
        index(op, arg, last)?;
        // A distance that no element is at may be anything.
        let step =
            |distance: usize, steps: u64| if steps > 1 { index(op, arg, distance as u64) } else { Ok(0) };
        Ok([index(op, arg, self.offset as u64)?, step(self.row, rows)?, step(self.col, len)?])
    }
}

/// Offset and stride of `count` planes of `n` elements, checked against the slice that holds them.
pub(crate) fn planes(
    op: &'static str,
    arg: &'static str,
    count: usize,
    n: u64,
    at: Plane,
    slice: &Slice<'_>,
) -> Result<(u32, u32), Error> {
    let stride = at.stride as u64;
    if stride < n {
        return Err(Error::ShapeMismatch { op, arg, expected: n, given: stride });
    }
    let above = product(op, arg, (count as u64).saturating_sub(1), stride)?;
    let all = above.checked_add(n).ok_or(Error::SizeOverflow { op, arg })?;
    let (offset, _) = Plane::at(at.offset).words(op, arg, if n == 0 { 0 } else { all }, slice)?;
    Ok((offset, index(op, arg, stride)?))
}

/// What of a device's limits decides how arrays are cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The largest storage binding, in bytes.
    pub(crate) binding: u64,
    /// What the offset of a storage binding is a multiple of, in bytes.
    pub(crate) align: u64,
}

impl Limits {
    /// Bindings above 2 GiB are not used even where offered: drivers index with 31 bits somewhere below.
    const CAP: u64 = 1 << 31;

    pub(crate) fn of(device: &wgpu::Device) -> Self {
        let limits = device.limits();
        Self {
            binding: limits.max_storage_buffer_binding_size.min(Self::CAP),
            align: u64::from(limits.min_storage_buffer_offset_alignment.max(4)),
        }
    }
}

/// A matrix in a slice that may be larger than a binding: kernels see it through windows of whole rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    pub(crate) arg: &'static str,
    pub(crate) slice: Slice<'a>,
    pub(crate) rows: u64,
    /// Elements of a row that are used.
    pub(crate) width: u64,
    /// Elements from one row to the next.
    pub(crate) stride: u64,
    /// How the elements stand in memory.
    pub(crate) storage: Storage,
}

impl<'a> Matrix<'a> {
    /// f32 rows without gaps.
    pub(crate) const fn packed(arg: &'static str, slice: Slice<'a>, rows: u64, width: u64) -> Self {
        Self { arg, slice, rows, width, stride: width, storage: Storage::F32 }
    }

    /// The same stored otherwise.
    pub(crate) const fn stored(self, storage: Storage) -> Self {
        Self { storage, ..self }
    }

    /// An error unless the slice holds the matrix at an offset that the device takes.
    pub(crate) fn check(&self, op: &'static str, limits: &Limits) -> Result<(), Error> {
        let arg = self.arg;
        if self.stride < self.width {
            return Err(Error::ShapeMismatch { op, arg, expected: self.width, given: self.stride });
        }
        let above = product(op, arg, self.rows.saturating_sub(1), self.stride)?;
        let all = above.checked_add(self.width).ok_or(Error::SizeOverflow { op, arg })?;
        product(op, arg, all, self.storage.bytes())?;
        let words = all.div_ceil(self.storage.per_word());
        self.slice.holds(op, arg, if self.rows == 0 { 0 } else { words })?;
        if !self.slice.offset.is_multiple_of(limits.align) {
            return Err(Error::Misaligned { op, arg, given: self.slice.offset, align: limits.align });
        }
        Ok(())
    }

    /// How many rows a window may have.
    pub(crate) fn window_rows(&self, op: &'static str, limits: &Limits) -> Result<u64, Error> {
        let bytes = self.storage.bytes();
        let (row, step) = (self.width * bytes, self.stride * bytes);
        let whole = self.rows.saturating_sub(1).saturating_mul(step).saturating_add(row);
        if whole.next_multiple_of(ELEMENT) <= limits.binding {
            return Ok(self.rows.max(1));
        }
        // What a window may lose at its beginning to alignment, and at its end to a word that it does not fill.
        let room = limits.binding.saturating_sub(limits.align - bytes + (ELEMENT - bytes));
        if room < row {
            return Err(Error::RowTooLarge { op, arg: self.arg, need: row, have: limits.binding });
        }
        Ok(1 + (room - row) / step.max(bytes))
    }

    /// Rows `first..first + count` as an aligned slice, and where in it the first element stands.
    pub(crate) fn window(&self, first: u64, count: u64, limits: &Limits) -> (Slice<'a>, u32) {
        let bytes = self.storage.bytes();
        let start = self.slice.offset + first * self.stride * bytes;
        let offset = start - start % limits.align;
        let residue = start - offset;
        let size = residue + ((count.max(1) - 1) * self.stride + self.width) * bytes;
        let size = size.next_multiple_of(ELEMENT);
        // The residue is below the alignment, so it fits.
        (Slice { buffer: self.slice.buffer, offset, size }, (residue / bytes) as u32)
    }
}
