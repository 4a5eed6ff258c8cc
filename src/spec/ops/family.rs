//! Declares a family of ops: each op's name, meaning and parameters stand in one place, and reading, showing and the
//! reference in the docs follow from them.

/// What a parameter is, for docs and for axes over it.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its key.
    pub name: &'static str,
    /// Its meaning.
    pub text: &'static str,
    /// Type and bounds in words.
    pub kind: String,
    /// Unit of its values; may be empty.
    pub unit: &'static str,
}

/// What an op is, for docs.
#[derive(Clone, Debug)]
pub struct Manual {
    /// Its name in specs.
    pub name: &'static str,
    /// Its meaning.
    pub text: &'static str,
    /// In order.
    pub parameters: Vec<Parameter>,
}

/// `family! { Name { Op = "op" { parameter: Type = domain, … } … } }`: an enum of the ops with their parameters.
macro_rules! family {
    (
        $(#[doc = $family_doc:literal])+
        $Family:ident {
            $(
                $(#[doc = $doc:literal])+
                $Op:ident = $name:literal {
                    $( $(#[doc = $parameter_doc:literal])+ $parameter:ident: $Value:ty = $domain:expr, )*
                }
            )+
        }
    ) => {
        $(#[doc = $family_doc])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(tag = "op")]
        pub enum $Family {
            $(
                $(#[doc = $doc])+
                #[serde(rename = $name)]
                $Op { $( $(#[doc = $parameter_doc])+ $parameter: $Value, )* },
            )+
        }

        impl $Family {
            /// The ops' names in specs.
            pub const NAMES: &'static [&'static str] = &[$($name),+];

            /// The op's name in specs.
            pub fn name(&self) -> &'static str {
                match self { $( $Family::$Op { .. } => $name, )+ }
            }

            /// The op `name` with the parameters of `table`, whose faults stay with it; `None` where the family has
            /// no such op.
            pub(in crate::spec) fn read(name: &str, #[allow(unused)] table: &Table<'_>) -> Option<Self> {
                match name {
                    $(
                        $name => Some($Family::$Op {
                            $( $parameter: $domain.read(table, stringify!($parameter)), )*
                        }),
                    )+
                    _ => None,
                }
            }

            /// Faults parameters that do not suit pictures of so many pixels a side.
            pub(in crate::spec) fn check_side(&self, #[allow(unused)] side: u32, #[allow(unused)] table: &Table<'_>) {
                match self {
                    $(
                        $Family::$Op { $( $parameter ),* } => {
                            $( $domain.check_side($parameter, side, table, stringify!($parameter)); )*
                        }
                    )+
                }
            }

            /// Each parameter with its value in words.
            pub fn values(&self) -> Vec<(&'static str, String)> {
                match self {
                    $(
                        $Family::$Op { $( $parameter ),* } => {
                            vec![$( (stringify!($parameter), $domain.show($parameter)) ),*]
                        }
                    )+
                }
            }

            /// What each op is.
            pub fn manual() -> Vec<Manual> {
                vec![$(
                    Manual {
                        name: $name,
                        text: concat!($($doc),+).trim_ascii(),
                        parameters: vec![$(
                            Parameter {
                                name: stringify!($parameter),
                                text: concat!($($parameter_doc),+).trim_ascii(),
                                kind: $domain.kind(),
                                unit: $domain.unit(),
                            }
                        ),*],
                    }
                ),+]
            }
        }
    };
}

pub(super) use family;
