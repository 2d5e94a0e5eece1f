//! Where the arrays of a map lie in memory.

use std::borrow::Borrow;

use bellwether_cpu_ref::token_map::View;

/// How arrays `[rows, len]` of one role lie in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// One behind another, without gaps.
    #[default]
    Packed,
    /// The arrays' elements in turn.
    Interleaved,
    /// One behind another, with gaps before and behind each row.
    Pitched,
    /// Constants and upstream gradients are one value per row; the rest is packed.
    PerRow,
    /// One behind another, each with all rows' first elements before their second.
    TimeMajor,
}

/// Elements before and behind each row of a pitched array.
const GAPS: [usize; 2] = [2, 1];

/// Arrays of one role in one piece of memory; of each, the offset, the distance of rows and the distance of columns.
pub(crate) type Placed<T> = (Vec<T>, Vec<[usize; 3]>);

impl Layout {
    /// Places arrays of `[rows, len]`; gaps hold `gap`.
    pub(crate) fn place<T: Copy, A: Borrow<[T]>>(
        self,
        planes: &[A],
        (rows, len): (usize, usize),
        gap: T,
    ) -> Placed<T> {
        let (n, count) = (rows * len, planes.len());
        match self {
            Self::Packed | Self::PerRow => (planes.concat(), (0..count).map(|k| [k * n, len, 1]).collect()),
            Self::Interleaved => {
                let data = (0..n).flat_map(|i| planes.iter().map(move |plane| plane.borrow()[i])).collect();
                (data, (0..count).map(|k| [k, len * count, count]).collect())
            }
            Self::TimeMajor => {
                let turned = planes.iter().flat_map(|plane| turn(plane.borrow(), rows, len));
                (turned.collect(), (0..count).map(|k| [k * n, 1, rows]).collect())
            }
            Self::Pitched => {
                let pitch = GAPS[0] + len + GAPS[1];
                let row = |row: &[T]| [&[gap; GAPS[0]], row, &[gap; GAPS[1]]].concat();
                let rows_of = |plane: &A| plane.borrow().chunks(len.max(1)).flat_map(row).collect::<Vec<_>>();
                let data = planes.iter().flat_map(rows_of).collect();
                (data, (0..count).map(|k| [k * rows * pitch + GAPS[0], pitch, 1]).collect())
            }
        }
    }

    /// Places constants and upstream gradients.
    pub(crate) fn place_constants<T: Copy, A: Borrow<[T]>>(
        self,
        planes: &[A],
        (rows, len): (usize, usize),
        gap: T,
    ) -> Placed<T> {
        if self != Self::PerRow {
            return self.place(planes, (rows, len), gap);
        }
        let firsts = |plane: &A| plane.borrow().iter().copied().step_by(len.max(1)).collect::<Vec<_>>();
        let data = planes.iter().flat_map(firsts).collect();
        (data, (0..planes.len()).map(|k| [k * rows, 1, 0]).collect())
    }
}

/// An array `[rows, len]` as `[len, rows]`.
pub(crate) fn turn<T: Copy>(plane: &[T], rows: usize, len: usize) -> Vec<T> {
    (0..rows * len).map(|i| plane[i % rows * len + i / rows]).collect()
}

/// The views of placed arrays.
pub(super) fn views<'a, T>(data: &'a [T], places: &[[usize; 3]]) -> Vec<View<'a, T>> {
    let view = |&[offset, row, col]: &[usize; 3]| View { data: data.get(offset..).unwrap_or(&[]), row, col };
    places.iter().map(view).collect()
}
