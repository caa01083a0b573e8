//! Compiles the contracts with a compiler written in Rust, so that no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FILES: [&str; 4] = [
        "csc/event/v1/event.proto",
        "csc/record/v1/record.proto",
        "csc/identity/v1/identity.proto",
        "csc/documents/v1/documents.proto",
    ];
    println!("cargo:rerun-if-changed=csc");
    tonic_prost_build::configure().compile_fds(protox::compile(FILES, ["."])?)?;
    Ok(())
}
