//! The actions that workflow steps can name.
