//! The attributes of `flowgate-guest`.
