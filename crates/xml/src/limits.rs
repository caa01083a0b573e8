//! How large a document may be.

/// What a document must stay within. Octets and depth are what operators set; the rest bounds the parser's quadratic
/// paths and its memory, far above what real documents hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole document.
    pub octets: usize,
    /// Elements open at once.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Namespace declarations on an element and its ancestors.
    pub namespaces_in_scope: usize,
    /// Different namespace declarations in the whole document.
    pub distinct_namespaces: usize,
    /// Tags, comments, processing instructions and CDATA sections of the whole document.
    pub markup: usize,
}

impl Limits {
    /// 1 MiB, depth 64.
    pub const DEFAULT: Self = Self {
        octets: 1 << 20,
        depth: 64,
        attributes: 64,
        namespaces_in_scope: 32,
        distinct_namespaces: 256,
        markup: 250_000,
    };

    /// The same, with `octets` in place of 1 MiB; the markup may grow with them.
    pub const fn with_octets(octets: usize) -> Self {
        let markup = if octets / 4 > Self::DEFAULT.markup { octets / 4 } else { Self::DEFAULT.markup };
        Self { octets, markup, ..Self::DEFAULT }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
