//! What every driver needs: shape checks, and a loop over rows that may run in parallel.

use bellwether_core::{Error, Real};

/// The scalar of a driver. With the feature `rayon` rows run in parallel, so it must be `Send + Sync`.
pub trait Scalar: Real + Send + Sync {}
impl<T: Real + Send + Sync> Scalar for T {}

/// `slice` has exactly `expected` elements.
pub(crate) fn exactly<T>(
    op: &'static str,
    arg: &'static str,
    slice: &[T],
    expected: usize,
) -> Result<(), Error> {
    if slice.len() == expected {
        Ok(())
    } else {
        Err(Error::ShapeMismatch { op, arg, expected, given: slice.len() })
    }
}

/// `slice` has `rows` rows of `width` elements, `stride` apart.
pub(crate) fn holds_rows<T>(
    op: &'static str,
    arg: &'static str,
    slice: &[T],
    (rows, width, stride): (usize, usize, usize),
) -> Result<(), Error> {
    let expected = match rows {
        0 => 0,
        _ => (rows - 1)
            .checked_mul(stride)
            .and_then(|n| n.checked_add(width))
            .ok_or(Error::SizeOverflow { op, arg })?,
    };
    if slice.len() >= expected {
        Ok(())
    } else {
        Err(Error::ShapeMismatch { op, arg, expected, given: slice.len() })
    }
}

/// `a · b`, or the named error.
pub(crate) fn product(op: &'static str, arg: &'static str, a: usize, b: usize) -> Result<usize, Error> {
    a.checked_mul(b).ok_or(Error::SizeOverflow { op, arg })
}

/// A value that must be finite.
pub(crate) fn finite(
    op: &'static str,
    arg: &'static str,
    (row, col): (usize, usize),
    x: f64,
) -> Result<(), Error> {
    if x.is_finite() { Ok(()) } else { Err(Error::NonFinite { op, arg, row, col, given: x }) }
}

/// Writes the values of element `i` into planes of `n` elements each, as many as there are.
fn place<T: Scalar, const P: usize>(n: usize, i: usize, values: [T; P], result: &mut [T]) {
    let places = result[i..].iter_mut().step_by(n);
    places.zip(values).for_each(|(place, value)| *place = value);
}

/// Writes `row(i)`, one value per plane, into planes of `n` elements each.
#[cfg(not(feature = "rayon"))]
pub(crate) fn fill_planes<T: Scalar, const P: usize>(
    n: usize,
    result: &mut [T],
    row: impl Fn(usize) -> [T; P] + Send + Sync,
) {
    for i in 0..n {
        place(n, i, row(i), result);
    }
}

/// Writes `row(i)`, one value per plane, into planes of `n` elements each.
#[cfg(feature = "rayon")]
pub(crate) fn fill_planes<T: Scalar, const P: usize>(
    n: usize,
    result: &mut [T],
    row: impl Fn(usize) -> [T; P] + Send + Sync,
) {
    use rayon::prelude::*;
    let rows: alloc::vec::Vec<[T; P]> = (0..n).into_par_iter().map(row).collect();
    for (i, values) in rows.into_iter().enumerate() {
        place(n, i, values, result);
    }
}

/// Calls `fill(i, row)` for every row of `width` elements of `result`.
pub(crate) fn fill_rows<E: Send>(
    width: usize,
    result: &mut [E],
    fill: impl Fn(usize, &mut [E]) + Send + Sync,
) {
    if width == 0 {
        return;
    }
    #[cfg(not(feature = "rayon"))]
    result.chunks_exact_mut(width).enumerate().for_each(|(i, row)| fill(i, row));
    #[cfg(feature = "rayon")]
    {
        use rayon::prelude::*;
        result.par_chunks_exact_mut(width).enumerate().for_each(|(i, row)| fill(i, row));
    }
}
