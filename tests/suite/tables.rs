//! A guest that grows its tables, which no compiler of a high language makes: the smallest connector, written as text.

use brightsync_core::component::embed;
use brightsync_runtime::{End, Limit, Limits};
use brightsync_tests::world::{Account, World, manifest};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{Function, Resolve, WorldItem};

/// A connector of which each function is this piece of code, which does not return.
fn connector(code: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../wit");
    let (package, _) = resolve.push_dir(folder).unwrap();
    let world = resolve.select_world(&[package], Some("connector")).unwrap();
    let mut functions = String::new();
    for (key, item) in &resolve.worlds[world].exports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.name_world_key(key);
        for (name, function) in &resolve.interfaces[*id].functions {
            let (parameters, results) = signature(&resolve, function);
            functions.push_str(&format!(
                "(func (export \"{interface}#{name}\") (param {parameters}) (result {results}) {code} unreachable)\n"
            ));
        }
    }
    let text = format!(
        "(module
            (memory (export \"memory\") 1)
            (table $table 1 funcref)
            (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) i32.const 1024)
            {functions})"
    );
    let mut module = wat::parse_str(text).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let encoder = ComponentEncoder::default().validate(true);
    let component = encoder.module(&module).unwrap().encode().unwrap();
    embed(&component, &manifest("text")).unwrap()
}

fn signature(resolve: &Resolve, function: &Function) -> (String, String) {
    let signature = resolve.wasm_signature(AbiVariant::GuestExport, function);
    let list = |types: &[WasmType]| -> String {
        let name = |it: &WasmType| match it {
            WasmType::I64 | WasmType::PointerOrI64 => "i64 ",
            WasmType::F32 => "f32 ",
            WasmType::F64 => "f64 ",
            WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32 ",
        };
        types.iter().map(name).collect()
    };
    (list(&signature.params), list(&signature.results))
}

async fn end_of(code: &str) -> End {
    let world = World::with(|it| {
        it.limits(Limits {
            table_elements: 1_000,
            ..Limits::default()
        })
    });
    world.host.load(connector(code)).await.unwrap();
    let acme = world.connect("acme", "text", Account::nowhere());
    *acme.get_me().await.expect_err("it never answers").end
}

#[tokio::test]
async fn a_table_that_grows_beyond_its_limit_ends_the_call() {
    let grow = |by: u32| format!("(drop (table.grow $table (ref.null func) (i32.const {by})))");
    let end = end_of(&grow(2_000)).await;
    assert!(matches!(end, End::Limit(Limit::Tables)), "{end}");
    let end = end_of(&grow(10)).await;
    assert!(matches!(end, End::Trap(_)), "{end}");
}

#[tokio::test]
async fn a_pointer_outside_of_memory_is_a_trap() {
    let end = end_of("(drop (i32.load (i32.const 0x7fffffff)))").await;
    assert!(matches!(end, End::Trap(_)), "{end}");
}
