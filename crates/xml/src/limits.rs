//! How large a document may be.

/// What a document must stay within. Octets and depth are what operators set; the rest bounds the parser's quadratic
/// paths and its memory, far above what real documents hold. With all of them no document of 1 MiB takes more than 50 ms
/// of a processor or 64 MiB of memory to read; `benches/hostile.rs` and `tests/hostile` hold the worst that we know
/// against that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole document. Equals signs, and steps to resolve names, are bounded in proportion.
    pub octets: usize,
    /// Elements open at once.
    pub depth: usize,
    /// Attributes of one element, namespace declarations included.
    pub attributes: usize,
    /// Namespace declarations on an element and its ancestors.
    pub namespaces_in_scope: usize,
    /// Different namespace declarations in the whole document.
    pub distinct_namespaces: usize,
    /// Characters `<` in the whole document: tags, comments, processing instructions, CDATA sections, and what stands in
    /// the latter three.
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
        markup: 1 << 17,
    };

    /// The most that [`Limits::depth`] may be set to.
    pub const DEEPEST: usize = 256;

    /// The same for a stored document of `octets`: limits that were lowered since, or what we added to it ourselves, must
    /// not take its nodes away.
    pub const fn of_stored(self, octets: usize) -> Self {
        Self {
            octets: at_least(self.octets, octets),
            depth: at_least(self.depth, Self::DEEPEST),
            markup: at_least(octets / 8, self.markup),
            ..self
        }
    }

    /// Octets of one namespace declaration, name and quoted value: the parser compares them with each other.
    pub(crate) const DECLARATION: usize = 512;

    /// The same, with `octets` in place of 1 MiB; the markup may grow with them.
    pub const fn with_octets(octets: usize) -> Self {
        let markup = at_least(octets / 8, Self::DEFAULT.markup);
        Self { octets, markup, ..Self::DEFAULT }
    }

    /// Equals signs of the whole document: the parser makes room for an attribute for each, wherever it stands.
    pub(crate) const fn equals_signs(&self) -> usize {
        at_least(self.octets / 4, 4_096)
    }

    /// Steps that the parser may have to take to resolve names, see [`crate::scan()`].
    pub(crate) const fn steps(&self) -> usize {
        at_least(self.octets.saturating_mul(2), 1 << 17)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const fn at_least(number: usize, least: usize) -> usize {
    if number > least { number } else { least }
}
