//! What a process of one service is made of.
