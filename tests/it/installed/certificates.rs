//! The serving certificate, made and renewed by several replicas at once.
