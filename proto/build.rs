//! Compiles the contracts with a compiler written in Rust, so that no `protoc` is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const FILES: [&str; 5] = [
        "csc/event/v1/event.proto",
        "csc/record/v1/record.proto",
        "csc/identity/v1/identity.proto",
        "csc/documents/v1/documents.proto",
        "csc/groups/v1/groups.proto",
    ];
    /// They hold passwords and client secrets.
    const SECRET: [&str; 2] = ["csc.identity.v1.PutUserRequest", "csc.identity.v1.PutClientRequest"];
    println!("cargo:rerun-if-changed=csc");
    tonic_prost_build::configure().skip_debug(SECRET).compile_fds(protox::compile(FILES, ["."])?)?;
    Ok(())
}
