//! The shipped actions against real HTTP servers, called the way the engine calls them.

mod http_answers;
mod http_reach;
mod http_requests;
mod http_secrets;
mod list;
mod server;
mod set_up;
mod vendor_hold;
mod vendor_system;
