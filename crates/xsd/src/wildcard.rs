//! Wildcards (XML Schema part 1, section 3.10): which namespaces, and what is done with what they let in.

use crate::names::{ABSENT, NamespaceId};

/// `processContents`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Process {
    /// A declaration must be there, and hold.
    Strict,
    /// If there is a declaration, it must hold.
    Lax,
    /// Anything well-formed.
    Skip,
}

/// Which namespaces a wildcard lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Namespaces {
    /// All, and none.
    Any,
    /// All but this one, and not none.
    Not(NamespaceId),
    /// These; [`ABSENT`] among them is none.
    Among(Vec<NamespaceId>),
}

impl Namespaces {
    /// Whether names of `namespace` are let in.
    pub(crate) fn allow(&self, namespace: NamespaceId) -> bool {
        match self {
            Self::Any => true,
            Self::Not(not) => namespace != *not && namespace != ABSENT,
            Self::Among(list) => list.contains(&namespace),
        }
    }

    /// What both let in; `None` where the rules of XML Schema 1.0 cannot express it.
    pub(crate) fn intersection(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Any, one) | (one, Self::Any) => one.clone(),
            (Self::Not(a), Self::Not(b)) if a == b || *b == ABSENT => Self::Not(*a),
            (Self::Not(a), Self::Not(b)) if *a == ABSENT => Self::Not(*b),
            (Self::Not(_), Self::Not(_)) => return None,
            (Self::Among(list), one) | (one, Self::Among(list)) => {
                Self::Among(list.iter().copied().filter(|id| one.allow(*id)).collect())
            }
        })
    }

    /// What either lets in; `None` where the rules of XML Schema 1.0 cannot express it.
    pub(crate) fn union(&self, other: &Self) -> Option<Self> {
        Some(match (self, other) {
            (Self::Any, _) | (_, Self::Any) => Self::Any,
            (Self::Not(a), Self::Not(b)) => Self::Not(if a == b { *a } else { ABSENT }),
            (Self::Among(a), Self::Among(b)) => {
                let more = b.iter().filter(|id| !a.contains(id));
                Self::Among(a.iter().chain(more).copied().collect())
            }
            (Self::Not(not), Self::Among(list)) | (Self::Among(list), Self::Not(not)) => {
                match (list.contains(not), list.contains(&ABSENT)) {
                    (true, true) => Self::Any,
                    (true, false) => Self::Not(ABSENT),
                    (false, true) => return None,
                    (false, false) => Self::Not(*not),
                }
            }
        })
    }

    /// Whether some name could be let in by both.
    pub(crate) fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Among(list), one) | (one, Self::Among(list)) => list.iter().any(|id| one.allow(*id)),
            _ => true,
        }
    }
}

/// `xs:any` or `xs:anyAttribute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard {
    pub(crate) namespaces: Namespaces,
    pub(crate) process: Process,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_let_in() {
        let other = Namespaces::Not(3);
        assert!(other.allow(2) && other.allow(crate::names::FOREIGN));
        assert!(!other.allow(3) && !other.allow(ABSENT));
        let list = Namespaces::Among(vec![ABSENT, 3]);
        assert!(list.allow(ABSENT) && list.allow(3) && !list.allow(2));
    }

    #[test]
    fn together() {
        use Namespaces::{Among, Any, Not};
        assert_eq!(Not(1).union(&Not(2)), Some(Not(ABSENT)));
        assert_eq!(Not(1).union(&Among(vec![1, ABSENT])), Some(Any));
        assert_eq!(Not(1).union(&Among(vec![ABSENT])), None);
        assert_eq!(Not(1).union(&Among(vec![2])), Some(Not(1)));
        assert_eq!(Among(vec![1]).union(&Among(vec![1, 2])), Some(Among(vec![1, 2])));
        assert_eq!(Not(1).intersection(&Among(vec![1, 2, ABSENT])), Some(Among(vec![2])));
        assert_eq!(Not(1).intersection(&Not(2)), None);
        assert_eq!(Any.intersection(&Not(2)), Some(Not(2)));
        assert!(Not(1).meets(&Not(2)) && !Among(vec![1]).meets(&Not(1)));
    }
}
