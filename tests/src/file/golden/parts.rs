//! The parts of a case in JSON that serde cannot derive: members in order, and elements.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Unexpected, Visitor};

/// The members of an object in their order, each name once.
pub(super) struct Pairs<T>(pub(super) Vec<(String, T)>);

/// Elements, and the first one that was an integer beyond 2^53.
pub(super) struct Numbers {
    pub(super) values: Vec<f64>,
    pub(super) inexact: Option<usize>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
                let (mut pairs, mut seen) = (Vec::new(), HashSet::new());
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("tensor `{name}` is given twice")));
                    }
                    pairs.push((name, value));
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat list of numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Numbers, A::Error> {
                let mut numbers = Numbers { values: Vec::new(), inexact: None };
                while let Some(Number { value, exact }) = seq.next_element()? {
                    if !exact && numbers.inexact.is_none() {
                        numbers.inexact = Some(numbers.values.len());
                    }
                    numbers.values.push(value);
                }
                Ok(numbers)
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// One element: a number, a truth value, or a non-finite number in quotes.
struct Number {
    value: f64,
    exact: bool,
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, true, false, \"nan\", \"inf\" or \"-inf\"")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
                Ok(Number { value, exact: true })
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number { value: value as f64, exact: value <= 1 << 53 })
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number { value: value as f64, exact: value.unsigned_abs() <= 1 << 53 })
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Number, E> {
                self.visit_f64(f64::from(u8::from(value)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                let value = match text.to_ascii_lowercase().as_str() {
                    "nan" => f64::NAN,
                    "inf" | "infinity" => f64::INFINITY,
                    "-inf" | "-infinity" => f64::NEG_INFINITY,
                    _ => return Err(E::invalid_value(Unexpected::Str(text), &self)),
                };
                self.visit_f64(value)
            }
        }
        deserializer.deserialize_any(Any)
    }
}
