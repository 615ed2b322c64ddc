# Each target does its own set-up: on a fresh Debian 12 machine with Rust it takes minutes the first
# time, and says so. See tests/cluster/assets.sh.

.PHONY: help man demo test conditions bench soak check lint assets

# A folder with etcd and kube-apiserver; set KUBEBUILDER_ASSETS to use one of your own.
ASSETS = KUBEBUILDER_ASSETS=$$(tests/cluster/assets.sh) && export KUBEBUILDER_ASSETS

help:
	@echo 'make demo         hardens a Tiller in a real API server, and refuses four; KEEP=1 leaves it running'
	@echo 'make test         runs all tests, those against a real API server too, and tells which it skips'
	@echo 'make man          writes man pages and completion scripts to target/man'
	@echo 'make conditions   evaluates the conditions of the webhook configurations as a new API server does'
	@echo 'make bench        measures the webhook, how long 100 teams take, and 10,000 release records'
	@echo 'make soak         fills a cluster with 20,000 Deployments and bindings, and measures the memory; asks beside'
	@echo '                  hundreds of slow senders for 20 minutes; then'
	@echo '                  renews, kills and restarts an installation under load for most of an hour'
	@echo 'make lint         formatting, clippy and documentation, with warnings as errors'

man:
	cargo run --locked --quiet --example man -- target/man

demo:
	@$(ASSETS) && echo 'Building tiller-guard' >&2 && \
	cargo build --locked --quiet --bin tiller-guard --example demo && \
	cargo run --locked --quiet --example demo -- $(if $(KEEP),--keep)

test:
	@$(ASSETS) && tests/chart/environment.sh >/dev/null && tests/clients/programs.sh >/dev/null && \
	tests/cel/environment.sh >/dev/null && tests/prometheus/promtool.sh >/dev/null && tests/browser/chromium.sh >/dev/null && tests/formats/environment.sh >/dev/null && \
	tests/suite.sh

# CEL as the API server has it, by Debian's newest packages.
conditions:
	@CEL_EVALUATOR=$$(tests/cel/api-server.sh) && export CEL_EVALUATOR && \
	cargo test --locked --test it -- --include-ignored --nocapture conditions::

bench:
	@$(ASSETS) && echo 'Building with optimisation' >&2 && \
	if CEL_EVALUATOR=$$(tests/cel/api-server.sh); then export CEL_EVALUATOR; else unset CEL_EVALUATOR; fi && \
	cargo bench --locked --bench conditions && \
	cargo bench --locked --bench webhook && \
	cargo bench --locked --bench core && \
	cargo bench --locked --bench libraries && \
	cargo bench --locked --bench provision && \
	cargo bench --locked --bench releases && \
	benches/trivy.sh && \
	BENCH=1 cargo test --locked --release --test it page::three_hundred_tillers -- --nocapture

soak:
	@$(ASSETS) && echo 'Building with optimisation' >&2 && \
	cargo test --locked --release --test it -- --ignored --nocapture knowledge::soak && \
	cargo test --locked --release --test it -- --ignored --nocapture overload:: && \
	tests/chart/checkov.sh && tests/chart/trivy.sh && \
	SOAK=1 cargo test --locked --release --test it -- --include-ignored --nocapture --test-threads=1 installed::

check lint: assets
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --document-private-items

assets:
	@tests/cluster/assets.sh >/dev/null && tests/chart/environment.sh >/dev/null && tests/clients/programs.sh >/dev/null && tests/cel/environment.sh >/dev/null && \
	tests/prometheus/promtool.sh >/dev/null && tests/browser/chromium.sh >/dev/null && tests/formats/environment.sh >/dev/null
