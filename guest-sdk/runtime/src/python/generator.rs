//! Generators: a frame that is kept between two advances.

pub struct Generator {}
