# The image of the server. docker-compose.yml runs it beside MongoDB; with the embedded store it runs alone:
#   docker build --tag parlor .
#   docker run --publish 127.0.0.1:8080:8080 --volume parlor:/data \
#     --env PARLOR__AUTH__SECRET="$(openssl rand -hex 32)" parlor
# Keep the secret: with another one everybody is signed out.

FROM rust:1.95-bookworm AS builder
WORKDIR /src
# `tests` and `xtask` are not built, but cargo wants to see every member of the workspace.
COPY Cargo.toml Cargo.lock ./
COPY config config
COPY crates crates
COPY migrations migrations
COPY tests tests
COPY xtask xtask
# The caches stay on the machine that builds, so that the next build compiles only what has changed. They are no part of
# the image: the program is copied out of them.
RUN --mount=type=cache,id=parlor-registry,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=parlor-target,target=/src/target,sharing=locked \
    cargo build --locked --profile dist --package parlor-server --bin parlor \
    && cp target/dist/parlor /parlor

FROM debian:bookworm-slim
# A number that no account of the host is likely to have.
RUN groupadd --gid 10001 parlor \
    && useradd --uid 10001 --gid parlor --no-create-home --home-dir /data --shell /usr/sbin/nologin parlor \
    && install --directory --owner parlor --group parlor --mode 0700 /data
COPY --from=builder /parlor /usr/local/bin/parlor
ENV PARLOR_PROFILE=production \
    PARLOR__SERVER__HOST=0.0.0.0 \
    PARLOR__SERVER__PORT=8080 \
    PARLOR__STORE__DATA_DIR=/data
USER 10001:10001
# The only directory that is written to: the rest of the file system may be read-only. SQLite makes temporary files in
# the working directory if it can make them nowhere else.
VOLUME /data
WORKDIR /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# Whether the server runs, not whether its database answers: to replace every server does not bring a database back. A
# load balancer asks /readyz.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 CMD ["bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/$PARLOR__SERVER__PORT && printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && test \"$status\" = 200"]
ENTRYPOINT ["parlor"]
CMD ["serve"]
