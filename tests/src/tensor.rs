//! Tensors as the files hold them: every element widened to `f64`, with the element type kept beside it.
//!
//! Widening loses nothing: `i64` is accepted only up to 2^53, where `f64` is still exact.

mod dtype;

pub use dtype::Dtype;

/// An element that does not fit the type that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("element {index} is {value}, allowed are {allowed}")]
pub struct BadElement {
    /// Flat, row-major index.
    pub index: usize,
    /// The offending value.
    pub value: f64,
    /// What would fit.
    pub allowed: &'static str,
}

/// A dense row-major tensor; `shape` is empty for a scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Element type in the file.
    pub dtype: Dtype,
    /// Extent of each dimension.
    pub shape: Vec<usize>,
    /// The elements, widened; as many as the product of `shape`.
    pub data: Vec<f64>,
}

impl Tensor {
    /// A tensor, or `None` where `data` has not the length that `shape` asks for.
    pub fn new(dtype: Dtype, shape: Vec<usize>, data: Vec<f64>) -> Option<Self> {
        (elements(&shape)? == data.len()).then_some(Self { dtype, shape, data })
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Number of rows: the product of all dimensions but the last; 1 for a scalar.
    pub fn rows(&self) -> usize {
        self.shape.split_last().map_or(1, |(_, leading)| leading.iter().product())
    }

    /// Elements per row: the last dimension; 1 for a scalar.
    pub fn row_len(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    /// Row `i`; empty beyond the last one.
    pub fn row(&self, i: usize) -> &[f64] {
        let start = i.saturating_mul(self.row_len());
        self.data.get(start..start.saturating_add(self.row_len())).unwrap_or(&[])
    }

    /// Bits of the element type's significand, see [`Dtype::unit`].
    pub fn unit(&self) -> Option<u32> {
        self.dtype.unit()
    }

    /// The elements rounded to `f32`; an error where a finite one overflows.
    pub fn to_f32(&self) -> Result<Vec<f32>, BadElement> {
        self.cast(Dtype::F32, |value| value as f32)
    }

    /// The elements as `i32`; an error where one is not integral or out of range.
    pub fn to_i32(&self) -> Result<Vec<i32>, BadElement> {
        self.cast(Dtype::I32, |value| value as i32)
    }

    fn cast<T>(&self, dtype: Dtype, convert: impl Fn(f64) -> T) -> Result<Vec<T>, BadElement> {
        let fit = |(index, &value)| match dtype.fit(value) {
            Ok(held) => Ok(convert(held)),
            Err(allowed) => Err(BadElement { index, value, allowed }),
        };
        self.data.iter().enumerate().map(fit).collect()
    }
}

/// Number of elements of a shape; `None` where it overflows.
pub fn elements(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent))
}

/// Tensors by name, in the order of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named(Vec<(String, Tensor)>);

impl Named {
    /// Tensors whose names are known to differ.
    pub(crate) fn from_distinct(tensors: Vec<(String, Tensor)>) -> Self {
        Self(tensors)
    }

    /// The tensor called `name`.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.iter().find(|(own, _)| *own == name).map(|(_, tensor)| tensor)
    }

    /// Adds a tensor, or replaces the one of that name in its place.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        let name = name.into();
        match self.0.iter_mut().find(|(own, _)| *own == name) {
            Some((_, slot)) => *slot = tensor,
            None => self.0.push((name, tensor)),
        }
    }

    /// Names and tensors in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.0.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// Number of tensors.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, Tensor)> for Named {
    /// Later tensors of the same name replace earlier ones.
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(items: I) -> Self {
        let mut named = Self::default();
        items.into_iter().for_each(|(name, tensor)| named.insert(name, tensor));
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(shape: &[usize]) -> Tensor {
        let count = elements(shape).unwrap();
        Tensor::new(Dtype::F64, shape.to_vec(), (0..count).map(|i| i as f64).collect()).unwrap()
    }

    #[test]
    fn rows_run_along_the_last_dimension() {
        let cube = tensor(&[2, 3, 4]);
        assert_eq!((cube.len(), cube.rows(), cube.row_len()), (24, 6, 4));
        assert_eq!(cube.row(5), [20.0, 21.0, 22.0, 23.0]);
        assert!(cube.row(6).is_empty() && cube.row(usize::MAX).is_empty());
        assert_eq!((tensor(&[]).rows(), tensor(&[]).row_len(), tensor(&[]).row(0)), (1, 1, &[0.0][..]));
        assert_eq!((tensor(&[3, 0]).rows(), tensor(&[3, 0]).row_len()), (3, 0));
    }

    #[test]
    fn views_refuse_what_they_cannot_hold() {
        let with = |value| Tensor::new(Dtype::F64, vec![2], vec![1.0, value]).unwrap();
        assert_eq!(with(-7.0).to_i32(), Ok(vec![1, -7]));
        for bad in [0.5, 2147483648.0, f64::NAN, f64::INFINITY] {
            assert_eq!(with(bad).to_i32().unwrap_err().index, 1, "{bad}");
        }
        assert_eq!(with(0.1).to_f32(), Ok(vec![1.0, 0.1]));
        assert!(with(1e39).to_f32().is_err() && with(f64::NAN).to_f32().unwrap()[1].is_nan());
    }

    #[test]
    fn a_shape_must_fit_its_data() {
        assert_eq!(Tensor::new(Dtype::F32, vec![2, 2], vec![0.0; 3]), None);
        assert_eq!(Tensor::new(Dtype::F32, vec![usize::MAX, 2], vec![]), None);
        assert_eq!(tensor(&[2]).unit(), Some(53));
    }

    #[test]
    fn names_keep_their_order_and_are_unique() {
        let mut named: Named =
            [("b".to_string(), tensor(&[1])), ("a".to_string(), tensor(&[2]))].into_iter().collect();
        named.insert("b", tensor(&[3]));
        assert_eq!(named.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!((named.len(), named.get("b").unwrap().len(), named.get("c")), (2, 3, None));
    }
}
