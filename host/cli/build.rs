//! Has the SDK that the program carries read again when one of its files comes or goes, which the compiler does not see.

fn main() {
    println!("cargo::rerun-if-changed=../../sdk");
    println!("cargo::rerun-if-changed=../../wit");
}
