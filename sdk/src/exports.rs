//! What stands between the exported functions and a [`Connector`]: a fresh connector for each call, its arguments, its answer.

use crate::abi::{Abi, answer};
use crate::{Change, Connector, Error, Page, Result};

/// Opens the connector, calls one of its functions, and answers where the result lies.
pub fn call<C: Connector, T: Abi>(function: impl FnOnce(&C) -> Result<T>) -> usize {
    answer::<std::result::Result<T, Error>>(open::<C>().and_then(|it| function(&it)))
}

/// Look-ups answer what there is, so every entry of their pages is a present one.
pub fn present<T>(page: Page<T>) -> Page<Change<T>> {
    page.map(Change::Present)
}

/// Opens the connector for the one call of this instance.
#[inline(never)]
fn open<C: Connector>() -> Result<C> {
    #[cfg(target_family = "wasm")]
    log_panics();
    C::open()
}

/// Has a panic's text and place logged before the instance ends: the host sees no more than a trap.
#[cfg(target_family = "wasm")]
fn log_panics() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        crate::log::error(&panic.to_string());
        default(panic);
    }));
}

/// The exported functions of a connector: the name of each, the core values that it takes, and how it is called.
#[doc(hidden)]
#[macro_export]
macro_rules! export_functions {
    ($connector:ty) => {
        $crate::export_functions! { $connector:
            "brightsync:crm/users@0.1.0#get-me" nothing =>
                |it, _| it.get_me();
            "brightsync:crm/users@0.1.0#get-users" page =>
                |it, from| it.get_users(next(from));
            "brightsync:crm/users@0.1.0#get-users-by-email" text_page =>
                |it, from| it.get_users_by_email(&Vec::read(from), next(from));

            "brightsync:crm/accounts@0.1.0#create-account" account =>
                |it, from| it.create_account(next(from));
            "brightsync:crm/accounts@0.1.0#get-account" text =>
                |it, from| it.get_account(&String::read(from));
            "brightsync:crm/accounts@0.1.0#get-accounts" text =>
                |it, from| it.get_accounts(&Vec::read(from)).map(present);
            "brightsync:crm/accounts@0.1.0#update-account" text_patch =>
                |it, from| it.update_account(&String::read(from), next(from));
            "brightsync:crm/accounts@0.1.0#delete-account" text =>
                |it, from| it.delete_account(&String::read(from));
            "brightsync:crm/accounts@0.1.0#get-my-accounts" read =>
                |it, from| it.get_my_accounts(next(from));
            "brightsync:crm/accounts@0.1.0#get-accounts-by-name" text_page =>
                |it, from| it.get_accounts_by_name(&String::read(from), next(from)).map(present);
            "brightsync:crm/accounts@0.1.0#get-accounts-by-domain" text_page =>
                |it, from| it.get_accounts_by_domain(&String::read(from), next(from)).map(present);

            "brightsync:crm/contacts@0.1.0#create-contact" place =>
                |it, from| it.create_contact(all(from));
            "brightsync:crm/contacts@0.1.0#get-contact" text =>
                |it, from| it.get_contact(&String::read(from));
            "brightsync:crm/contacts@0.1.0#get-contacts" text =>
                |it, from| it.get_contacts(&Vec::read(from)).map(present);
            "brightsync:crm/contacts@0.1.0#update-contact" text_patch =>
                |it, from| it.update_contact(&String::read(from), next(from));
            "brightsync:crm/contacts@0.1.0#delete-contact" text =>
                |it, from| it.delete_contact(&String::read(from));
            "brightsync:crm/contacts@0.1.0#get-my-contacts" read =>
                |it, from| it.get_my_contacts(next(from));
            "brightsync:crm/contacts@0.1.0#get-contacts-by-name" text_page =>
                |it, from| it.get_contacts_by_name(&String::read(from), next(from)).map(present);
            "brightsync:crm/contacts@0.1.0#get-contacts-by-email" text_page =>
                |it, from| it.get_contacts_by_email(&Vec::read(from), next(from)).map(present);
            "brightsync:crm/contacts@0.1.0#get-contacts-by-email-domain" text_page =>
                |it, from| it.get_contacts_by_email_domain(&String::read(from), next(from)).map(present);

            "brightsync:crm/emails@0.1.0#create-email" place =>
                |it, from| it.create_email(all(from));
            "brightsync:crm/emails@0.1.0#update-email" text_patch =>
                |it, from| it.update_email(&String::read(from), next(from));
            "brightsync:crm/emails@0.1.0#delete-email" text =>
                |it, from| it.delete_email(&String::read(from));
            "brightsync:crm/emails@0.1.0#find-email" email_key =>
                |it, from| it.find_email(next(from));

            "brightsync:crm/meetings@0.1.0#create-meeting" place =>
                |it, from| it.create_meeting(all(from));
            "brightsync:crm/meetings@0.1.0#update-meeting" text_patch =>
                |it, from| it.update_meeting(&String::read(from), next(from));
            "brightsync:crm/meetings@0.1.0#delete-meeting" text =>
                |it, from| it.delete_meeting(&String::read(from));
            "brightsync:crm/meetings@0.1.0#find-meeting" meeting_key =>
                |it, from| it.find_meeting(next(from));

            "brightsync:crm/opportunities@0.1.0#get-opportunities-for-contacts" text_page =>
                |it, from| it.get_opportunities_for_contacts(&Vec::read(from), next(from));
            "brightsync:crm/opportunities@0.1.0#get-opportunities-for-accounts" text_page =>
                |it, from| it.get_opportunities_for_accounts(&Vec::read(from), next(from));
        }
    };
    ($connector:ty: $($name:literal $shape:ident => |$it:ident, $from:pat_param| $call:expr;)*) => {$(
        $crate::export_functions!(@$shape $connector, $name, |$it, $from| $call);
    )*};

    // The core values of the arguments; a text and a list are two each. A call with the wrong ones is no component.
    (@nothing $($call:tt)*) => { $crate::export_functions!(@export () $($call)*); };
    (@place $($call:tt)*) => { $crate::export_functions!(@export (a i32) $($call)*); };
    (@text $($call:tt)*) => { $crate::export_functions!(@export (a i32, b i32) $($call)*); };
    (@page $($call:tt)*) => {
        $crate::export_functions!(@export (a i32, b i32, c i32, d i32, e i32, f i32) $($call)*);
    };
    (@text_page $($call:tt)*) => {
        $crate::export_functions!(@export (a i32, b i32, c i32, d i32, e i32, f i32, g i32, h i32) $($call)*);
    };
    (@text_patch $($call:tt)*) => {
        $crate::export_functions!(@export (a i32, b i32, c i32, d i32, e i32, f i32, g i32) $($call)*);
    };
    (@account $($call:tt)*) => {
        $crate::export_functions!(@export (a i32, b i32, c i32, d i32, e i32, f i32, g i32, h i32, i i32) $($call)*);
    };
    (@read $($call:tt)*) => {
        $crate::export_functions!(@export (
            a i32, b i32, c i32, d i32, e i64, f i32, g i64, h i32, i i32, j i32, k i32, l i32, m i32, n i32, o i32
        ) $($call)*);
    };
    (@email_key $($call:tt)*) => {
        $crate::export_functions!(@export (
            a i32, b i32, c i32, d i32, e i32, f i64, g i32, h i32, i i32, j i32, k i32, l i32
        ) $($call)*);
    };
    (@meeting_key $($call:tt)*) => {
        $crate::export_functions!(@export (
            a i32, b i32, c i32, d i32, e i32, f i32, g i64, h i32, i i32, j i64, k i32, l i32, m i32, n i32, o i32
        ) $($call)*);
    };
    (@export ($($argument:ident $core:ty),*) $connector:ty, $name:literal, |$it:ident, $from:pat_param| $call:expr) => {
        const _: () = {
            #[allow(unused_imports, reason = "no function needs all of them")]
            use $crate::private::{Argument as _, Source, all, call, next, present};
            use $crate::Connector as _;

            #[unsafe(export_name = $name)]
            extern "C" fn exported($($argument: $core),*) -> usize {
                let values: &[u64] = &[$($argument as u64),*];
                let $from = &mut Source::values(values);
                call(|$it: &$connector| $call)
            }
        };
    };
}
