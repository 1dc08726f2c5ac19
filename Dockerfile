# One file for every container of the stack: docker-compose.yml picks the target.
#
#   build      compiles the programs          dashboard  builds www/dist
#   runtime    what all programs need         api publisher media sandbox ctl nginx
#
# Debian's own packages throughout, as on a plain machine; upgraded at build time, since
# base images lag behind the security archive.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS updated
RUN apt-get update && apt-get upgrade -y && rm -rf /var/lib/apt/lists/*

FROM updated AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config \
      libfcgi-dev libcurl4-openssl-dev libmariadb-dev libjansson-dev libssl-dev libhiredis-dev \
      libargon2-dev libsqlite3-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Makefile ./
COPY tools/embed-lua tools/lint.mk tools/
COPY include include
COPY src src
RUN make BUILD=release programs

FROM updated AS dashboard
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm ca-certificates \
      && rm -rf /var/lib/apt/lists/*
WORKDIR /src/www
COPY www/package.json www/package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY www ./
RUN npm run build

# The user of every program: no shell, no home, the same number in each container, so that
# they may share a volume.
FROM updated AS runtime
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libfcgi0ldbl \
      libcurl4 libmariadb3 libjansson4 libssl3 libhiredis0.14 libargon2-1 libsqlite3-0 tzdata hostname \
      && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tts \
    && install -d -o tts -g tts -m 0750 /var/lib/tts /var/lib/tts/media /var/lib/tts/journal \
         /var/lib/tts/scratch \
         /var/lib/tts/sandbox /run/tts /run/tts/secrets
COPY tools/docker/wait-and-run /usr/local/bin/wait-and-run
WORKDIR /var/lib/tts
ENV TTS_ENV_FILE=
STOPSIGNAL SIGTERM

FROM runtime AS api
COPY --from=build /src/build/release/bin/tts-api /usr/local/bin/
USER tts
ENTRYPOINT ["wait-and-run", "tts-api"]

FROM runtime AS publisher
COPY --from=build /src/build/release/bin/tts-publisher /usr/local/bin/
USER tts
ENTRYPOINT ["wait-and-run", "tts-publisher"]

FROM runtime AS media
RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg \
      && rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/bin/tts-media /usr/local/bin/
USER tts
ENTRYPOINT ["wait-and-run", "tts-media"]

FROM runtime AS sandbox
COPY --from=build /src/build/release/bin/tts-sandbox /usr/local/bin/
USER tts
ENTRYPOINT ["wait-and-run", "tts-sandbox"]

# Secrets, keys, schema and the first user; ends when it is done.
FROM runtime AS ctl
COPY --from=build /src/build/release/bin/ttsctl /usr/local/bin/
COPY schema /usr/local/share/tts/schema
COPY tools/docker/setup tools/docker/make-secrets /usr/local/bin/

FROM updated AS nginx
RUN apt-get update && apt-get install -y --no-install-recommends nginx curl ca-certificates \
      && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin tts \
    && install -d -o tts -g tts -m 0750 /run/tts /var/lib/tts /var/lib/tts/media /var/lib/tts/sandbox
COPY nginx /usr/local/nginx
COPY tools/render-nginx /usr/local/bin/
COPY tools/docker/nginx-run /usr/local/bin/
COPY --from=dashboard /src/www/dist /usr/local/share/tts/dashboard
USER tts
STOPSIGNAL SIGQUIT
ENTRYPOINT ["nginx-run"]
