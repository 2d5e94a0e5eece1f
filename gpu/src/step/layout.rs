//! Where a step keeps its results in the workspace.

use bellwether_core::sig::token_rows::{Labels, Shift};
use bellwether_core::sig::{Reduction, pair_rows, segment_stats, token_rows};

use crate::error::{Error, index, product};
use crate::slice::{ALIGN, ELEMENT, Slice};

/// What the caller knows of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceKind {
    /// A log-probability per token, `[2B, T]`, at the rows that the policy's token log-probabilities have.
    PerToken,
    /// A log-probability per sequence, `[2B]`: chosen, then rejected. Zeros where there is no reference.
    PerSequence,
}

/// One batch of pairs: `2·pairs` sequences of `len` rows, chosen ones first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepShape {
    /// Pairs `B`.
    pub pairs: usize,
    /// Rows `T` per sequence, padding included.
    pub len: usize,
    /// Logits per row; 0 where token log-probabilities are given.
    pub v: usize,
    /// The label of a row that is not counted.
    pub ignore_index: i32,
    /// Which label scores which row.
    pub shift: Shift,
    /// How pairs become one number; also what the summary is scaled by.
    pub reduction: Reduction,
    /// What is known of the reference.
    pub reference: ReferenceKind,
}

/// Planes of results in the workspace, in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where plane 0 begins.
    pub offset: u64,
    /// How many planes there are.
    pub planes: usize,
    /// Elements from one plane to the next.
    pub stride: usize,
    /// Elements of a plane.
    pub n: usize,
}

/// Where everything stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepLayout {
    /// The planes of TokenRows, `[10, 2B·T]`; none where token log-probabilities are given.
    pub token: Region,
    /// The gradient by the token log-probabilities, `[1, 2B·T]`.
    pub upstream: Region,
    /// The planes of SegmentStats for the policy, `[3, 2B]`: sequence log-probabilities and lengths.
    pub sequences: Region,
    /// The same for the reference; its counts mean nothing under [`ReferenceKind::PerSequence`].
    pub references: Region,
    /// Weights, margins and preferences, plane 0 of `[3, B]` each; written where they are given.
    pub extras: [Region; 3],
    /// The planes of PairRows, `[8, B]`.
    pub pair: Region,
    /// The planes of SegmentStats over the first five of `pair`, `[3, 5]`: plane 0 holds the reduced loss, rewards,
    /// margin and accuracy.
    pub summary: Region,
    /// With tails: plane 0 holds the log-probability of each response as the loss sees it, of `[3, 2B]`.
    pub scores: Region,
    /// With tails: planes of SegmentStats for both parts of each response, `[3, 4B]`.
    pub(super) parts: Region,
    /// The sums of both parts, and of the first alone, `[3, 2B]` each, weighted.
    pub(super) weighted: [Region; 2],
    /// The gradient of each part, `[1, 4B]`.
    pub(super) d_parts: Region,
    /// Bytes of the workspace.
    pub bytes: u64,
}

impl Region {
    /// Elements from the first to behind the last; the largest number where no index reaches it.
    #[must_use]
    pub const fn elements(&self) -> u64 {
        (self.planes as u64)
            .saturating_sub(1)
            .saturating_mul(self.stride as u64)
            .saturating_add(self.n as u64)
    }

    /// The region in a workspace.
    #[must_use]
    pub const fn slice<'a>(&self, workspace: Slice<'a>) -> Slice<'a> {
        workspace.part(self.offset, self.elements())
    }

    const fn end(&self) -> u64 {
        self.offset.saturating_add(self.elements())
    }

    /// A plane's values in a workspace that was read back; empty where the workspace does not hold them.
    #[must_use]
    pub fn values<'w>(&self, plane: usize, workspace: &'w [f32]) -> &'w [f32] {
        let at = usize::try_from(self.plane(plane).offset).ok();
        at.and_then(|at| workspace.get(at..at.checked_add(self.n)?)).unwrap_or_default()
    }

    /// From the beginning of this region to the end of a later one.
    pub(crate) const fn until<'a>(&self, later: &Self, workspace: Slice<'a>) -> Slice<'a> {
        workspace.part(self.offset, later.end() - self.offset)
    }

    /// One plane as a region of its own; one that no index reaches is beyond every workspace.
    #[must_use]
    pub const fn plane(&self, i: usize) -> Self {
        let offset = self.offset.saturating_add((i as u64).saturating_mul(self.stride as u64));
        Self { offset, planes: 1, stride: self.n, n: self.n }
    }

    /// Where plane `i` begins, counted from the beginning of another region.
    pub(crate) const fn from(&self, i: usize, origin: &Self) -> usize {
        (self.offset - origin.offset) as usize + i * self.stride
    }
}

/// Regions one behind another, each where a binding may begin.
#[derive(Default)]
pub(super) struct Regions {
    /// Behind the last.
    pub(super) end: u64,
}

impl Regions {
    const STEP: u64 = ALIGN / ELEMENT;

    pub(super) const fn add(&mut self, planes: usize, stride: usize, n: usize) -> Region {
        let next = Region { offset: self.end, planes, stride, n };
        self.end = next.end().next_multiple_of(Self::STEP);
        next
    }

    /// The distance of planes that can be bound each by itself.
    pub(super) const fn aligned(n: usize) -> usize {
        n.next_multiple_of(Self::STEP as usize)
    }
}

impl StepShape {
    /// Rows of all sequences.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`].
    pub fn rows(&self) -> Result<usize, Error> {
        let rows = product("pair_step", "rows", self.sequences()? as u64, self.len as u64)?;
        usize::try_from(rows).map_err(|_| Error::SizeOverflow { op: "pair_step", arg: "rows" })
    }

    pub(crate) fn sequences(&self) -> Result<usize, Error> {
        self.pairs.checked_mul(2).ok_or(Error::SizeOverflow { op: "pair_step", arg: "pairs" })
    }

    /// The rules of the labels.
    #[must_use]
    pub const fn labels(&self) -> Labels {
        Labels { ignore_index: self.ignore_index, shift: self.shift, seq_len: self.len }
    }

    /// Where the results of a step stand; the same on every device.
    ///
    /// # Errors
    /// [`Error::SizeOverflow`] where an index of 32 bits does not reach the end.
    pub fn layout(&self) -> Result<StepLayout, Error> {
        let (n, sequences) = (self.rows()?, self.sequences()?);
        // Every region is shorter than eight times this, so nothing below overflows.
        let longest = product("pair_step", "workspace", n.max(sequences) as u64, 32)?;
        index("pair_step", "workspace", longest)?;
        let mut regions = Regions::default();
        let mut region = |planes, stride, n| regions.add(planes, stride, n);
        let aligned = Regions::aligned(sequences);
        let token = region(if self.v == 0 { 0 } else { token_rows::PLANES.len() }, n, n);
        let upstream = region(1, n, n);
        // Each plane by itself can be bound; from the policy's counts to the reference's sums is one binding.
        let sequence = region(segment_stats::PLANES.len(), aligned, sequences);
        let references = region(segment_stats::PLANES.len(), aligned, sequences);
        let pairs = Regions::aligned(self.pairs);
        let extras = [0; 3].map(|_| region(segment_stats::PLANES.len(), pairs, self.pairs));
        // No gap: the two planes of gradients are one array over all sequences.
        let pair = region(pair_rows::PLANES.len(), self.pairs, self.pairs);
        let summary = region(segment_stats::PLANES.len(), pair_rows::LOGGED, pair_rows::LOGGED);
        let scores = region(segment_stats::PLANES.len(), aligned, sequences);
        let weighted = [(); 2].map(|()| region(segment_stats::PLANES.len(), aligned, sequences));
        let both = Regions::aligned(2 * sequences);
        let parts = region(segment_stats::PLANES.len(), both, 2 * sequences);
        let d_parts = region(1, both, 2 * sequences);
        index("pair_step", "workspace", regions.end)?;
        Ok(StepLayout {
            token,
            upstream,
            sequences: sequence,
            references,
            extras,
            pair,
            summary,
            scores,
            parts,
            weighted,
            d_parts,
            bytes: regions.end * ELEMENT,
        })
    }

    /// Bytes of the workspace that [`PairStep::record`](crate::PairStep::record) takes.
    ///
    /// # Errors
    /// As [`StepShape::layout`].
    pub fn workspace_bytes(&self) -> Result<u64, Error> {
        Ok(self.layout()?.bytes)
    }
}
