//! From a surrogate's slug to its type: the registry expanded over everything that is generic in the operators of
//! PolicyRows.

use bellwether_core::Op;
use bellwether_core::sig::Signature;
use bellwether_cpu_ref::policy_rows::SurrogateRow;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What is done with a surrogate once its type is known.
pub trait PolicyVisitor {
    /// What comes out.
    type Out;
    /// Does it.
    fn visit<S: SurrogateRow + DeserializeOwned>(self, surrogate: S) -> Self::Out;
}

macro_rules! define {
    ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
        /// Visits the surrogate with this slug and these parameters; `None` when no operator of PolicyRows has it.
        ///
        /// # Errors
        /// A parameter that the operator does not have, or of another type.
        pub fn visit<V: PolicyVisitor>(
            slug: &str,
            params: Map<String, Value>,
            visitor: V,
        ) -> Option<Result<V::Out, serde_json::Error>> {
            $(define!(@visit $sig $family $op slug params visitor);)*
            None
        }
    };
    (@visit PolicyRows $family:ident $op:ident $slug:ident $params:ident $visitor:ident) => {
        if $slug == <bellwether_core::$family::$op as Op>::SPEC.slug {
            let op = serde_json::from_value::<bellwether_core::$family::$op>(Value::Object($params));
            return Some(op.map(|op| $visitor.visit(op)));
        }
    };
    (@visit $sig:ident $family:ident $op:ident $slug:ident $params:ident $visitor:ident) => {};
}
bellwether_core::for_each_op!(define);

/// Every surrogate's slug, in the order of the registry.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    bellwether_core::registry::SPECS.iter().filter(|s| s.signature == Signature::PolicyRows).map(|s| s.slug)
}
