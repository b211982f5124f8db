//! The table of page routes. One macro makes both the endpoints and the list that the stranger walk reads, so they cannot differ.

use crate::{
    Web, assets, certificate, forgot, landing, pickup, prove, reset, sender, settings, sign_in, sign_out, sign_up, step_up, tenant_host,
};
use poem::Route;

/// Who may ask for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// No credential at all.
    Anyone,
    /// A signed-in member; others are sent to `/sign-in`.
    Member,
    /// Whoever holds a pickup link.
    Recipient,
    /// Whoever comes to a host that asks for certificates, with one or without.
    Holder,
}

/// One method of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRoute {
    pub method: &'static str,
    /// In poem's notation: `/p/:token`.
    pub path: &'static str,
    pub who: Who,
}

/// `"/path" Member { get show, post submit }` lines become `ROUTES` and `routes(route, web)` of the module.
macro_rules! page_routes {
    ($( $path:literal $who:ident { $( $method:ident $handler:path ),+ $(,)? } )+) => {
        pub const ROUTES: &[$crate::PageRoute] = &[ $( $(
            $crate::PageRoute { method: $crate::routes::page_routes!(@name $method), path: $path, who: $crate::Who::$who },
        )+ )+ ];
        pub fn routes(route: ::poem::Route, web: &$crate::Web) -> ::poem::Route {
            route $( .at($path, $crate::frame::framed(
                web,
                &[$( $crate::routes::page_routes!(@name $method) ),+],
                ::poem::RouteMethod::new() $( .$method($handler) )+,
            )) )+
        }
    };
    (@name get) => { "GET" };
    (@name post) => { "POST" };
    (@name put) => { "PUT" };
}
pub(crate) use page_routes;

mod own {
    use super::{assets, forgot, landing, prove, reset, sign_in, sign_out, sign_up, step_up, tenant_host};
    page_routes! {
        "/" Anyone { get landing::show }
        "/assets/:hash/:name" Anyone { get assets::serve }
        "/favicon.ico" Anyone { get assets::favicon }
        "/sign-up" Anyone { get sign_up::show, post sign_up::submit }
        "/sign-in" Anyone { get sign_in::show, post sign_in::submit }
        "/sign-out" Anyone { post sign_out::submit }
        "/step-up" Member { get step_up::show, post step_up::submit }
        "/forgot" Anyone { get forgot::show, post forgot::submit }
        "/reset/:token" Anyone { get reset::show, post reset::submit }
        "/prove/:token" Anyone { get prove::show, post prove::submit }
        "/hand-off" Member { get tenant_host::hand_off }
        "/arrive" Anyone { get tenant_host::arrive }
    }
}

const PARTS: [&[PageRoute]; 5] = [own::ROUTES, settings::ROUTES, certificate::ROUTES, pickup::ROUTES, sender::ROUTES];
const COUNT: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len() + PARTS[3].len() + PARTS[4].len();

const fn joined() -> [PageRoute; COUNT] {
    let mut all = [PageRoute { method: "", path: "", who: Who::Anyone }; COUNT];
    let (mut part, mut n) = (0, 0);
    while part < PARTS.len() {
        let mut i = 0;
        while i < PARTS[part].len() {
            all[n] = PARTS[part][i];
            i += 1;
            n += 1;
        }
        part += 1;
    }
    all
}

/// Every page route.
pub const ROUTES: &[PageRoute] = &joined();

pub(crate) fn all(route: Route, web: &Web) -> Route {
    sender::routes(pickup::routes(certificate::routes(settings::routes(own::routes(route, web), web), web), web), web)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_route_is_listed_twice() {
        let distinct: HashSet<_> = ROUTES.iter().map(|r| (r.method, r.path)).collect();
        assert_eq!(distinct.len(), ROUTES.len());
        assert_eq!(ROUTES.len(), COUNT);
        assert!(ROUTES.iter().all(|r| r.path.starts_with('/') && !r.method.is_empty()));
    }

    #[test]
    fn pickup_pages_are_for_recipients() {
        for route in ROUTES {
            assert_eq!(route.path.starts_with("/p/"), route.who == Who::Recipient, "{}", route.path);
        }
    }
}
