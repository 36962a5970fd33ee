//! The web console: the use cases as pages for people, rendered here and readable without JavaScript.
//!
//! | file | question |
//! |---|---|
//! | `assets` | how are the style sheet, the script and the icon served? |
//! | `form` | what was posted, what is wrong with it, and how is it shown again? |
//! | `frame` | what surrounds the content of every page? |
//! | `time` | how is a moment written for people? |

pub mod assets;
pub mod form;
pub mod frame;
pub mod time;
