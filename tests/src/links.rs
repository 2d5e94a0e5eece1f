//! From a link's slug to its type: the registry expanded over everything that is generic in the link.

use bellwether_core::Op;
use bellwether_cpu_ref::pair_rows::PairLink;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What is done with a link once its type is known.
pub trait LinkVisitor {
    /// What comes out.
    type Out;
    /// Does it.
    fn visit<L: PairLink + DeserializeOwned>(self, link: L) -> Self::Out;
}

macro_rules! define {
    ($($family:ident :: $name:ident :: $op:ident : $sig:ident [$($lib:ident)*],)*) => {
        /// Visits the link with this slug and these parameters; `None` when no link has it.
        ///
        /// # Errors
        /// A parameter that the link does not have, or of another type.
        pub fn visit<V: LinkVisitor>(
            slug: &str,
            params: Map<String, Value>,
            visitor: V,
        ) -> Option<Result<V::Out, serde_json::Error>> {
            $(define!(@visit $sig $family $op slug params visitor);)*
            None
        }
    };
    (@visit PairRows $family:ident $op:ident $slug:ident $params:ident $visitor:ident) => {
        if $slug == <bellwether_core::$family::$op as Op>::SPEC.slug {
            let link = serde_json::from_value::<bellwether_core::$family::$op>(Value::Object($params));
            return Some(link.map(|link| $visitor.visit(link)));
        }
    };
    (@visit $sig:ident $family:ident $op:ident $slug:ident $params:ident $visitor:ident) => {};
}
bellwether_core::for_each_op!(define);

/// Every link's slug, in the order of the registry.
pub fn slugs() -> impl Iterator<Item = &'static str> {
    let specs = bellwether_core::registry::SPECS.iter();
    specs.filter(|s| s.signature == bellwether_core::sig::Signature::PairRows).map(|s| s.slug)
}
