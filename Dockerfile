# The image of tiller-guard: one static program, no shell, nobody's user.
#
#   docker buildx build --platform linux/amd64,linux/arm64 --tag tiller-guard .
#
# The builder runs on the machine's own platform and compiles for the target's. Its own programs are for glibc: Cargo
# would link macros and build scripts by the target's linker too, which finds no library of the system, were both the same.
FROM --platform=$BUILDPLATFORM rust:1.95-slim-bookworm AS build
ARG TARGETARCH
# Debian keeps no older versions of its packages, so that a pinned one fails soon; none of them is in the image.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends clang musl-dev && \
    rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The linker is Rust's own, which needs no library of the target's beside those of its standard library.
ENV TARGET_CC=clang \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld \
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
RUN case "$TARGETARCH" in amd64) target=x86_64 ;; arm64) target=aarch64 ;; *) exit 1 ;; esac && \
    target="$target-unknown-linux-musl" && \
    rustup target add "$target" && \
    TARGET_CFLAGS="-nostdlibinc -isystem /usr/include/$(uname -m)-linux-musl" \
    cargo build --locked --release --bin tiller-guard --target "$target" && \
    mv "target/$target/release/tiller-guard" /tiller-guard

FROM scratch
LABEL org.opencontainers.image.title="tiller-guard" \
      org.opencontainers.image.description="Lets no Tiller run unless it is hardened" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /tiller-guard /tiller-guard
USER 65534:65534
EXPOSE 8443 8081
ENTRYPOINT ["/tiller-guard"]
CMD ["serve"]
