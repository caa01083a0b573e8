# What people run. `make demo` and `make test` need Rust, a C compiler, make and perl.

# Linking the system's OpenSSL saves three minutes; without it a private copy is built.
ifeq ($(shell pkg-config --exists openssl 2>/dev/null && echo yes),yes)
export OPENSSL_NO_VENDOR := 1
endif

.PHONY: demo test soak lint doc bench help

help:
	@echo "make demo    build, start every service on loopback, boot a UE through the whole scenario, go on serving"
	@echo "make test    every test (installs the Debian packages it needs, when it may)"
	@echo "make lint    formatting, clippy, dependency checks"
	@echo "make doc     the API documentation, warnings are errors"
	@echo "make bench   the benchmarks"
	@echo "make soak    ten minutes of random faults against a Redis of its own (SOAK='--minutes 30 --seed 7')"

demo:
	cargo run --package csc -- demo

test:
	scripts/packages
	cargo test --workspace
	cargo test --workspace --features csc-faults/planted --test planted

soak:
	cargo run --package csc-faults -- $(SOAK)

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features csc-faults/planted -- -D warnings
	scripts/deny

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

bench:
	cargo bench --workspace
