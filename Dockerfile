# Builds and runs in two commands:
#   docker build -t cadre .
#   docker run --rm -p 50051:50051 -p 9464:9464 -v cadre-data:/data cadre

FROM swift:6.2-bookworm AS build
WORKDIR /source
COPY .ci/setup .ci/setup
RUN .ci/setup build
COPY . .
RUN swift build -c release --static-swift-stdlib --product cadre \
    && install -D "$(swift build -c release --show-bin-path)/cadre" /out/cadre

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates libnghttp2-14 libprotobuf-c1 libsqlite3-0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /data cadre \
    && install -d -o cadre -g cadre /data
COPY --from=build /out/cadre /usr/local/bin/cadre
USER cadre
VOLUME /data
EXPOSE 50051 9464
ENV CADRE_HOST=0.0.0.0 CADRE_DATA=/data
STOPSIGNAL SIGTERM
ENTRYPOINT ["cadre"]
CMD ["serve"]
