//! Every rule of the configuration reader, and the reference file.
