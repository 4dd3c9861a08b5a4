//! The only place where bindings are generated.
wit_bindgen::generate!({ world: "connector", path: "wit", pub_export_macro: true });
