# shellcheck shell=bash
# Functions of tools/stack about what runs: settings, secrets, MariaDB, Redis, nginx and
# our programs, each with its own keys only. Read by tools/stack only.

DEMO_EMAIL=demo@example.com
SANDBOX_CLIENT_KEY=sbawlocalstackkey1

declare -A given=() secret=()

# The keys a person may set, by program: what the stack decides itself is not among them.
TIKTOK_KEYS=(TIKTOK_CLIENT_KEY TIKTOK_REDIRECT_URI TIKTOK_SCOPES TIKTOK_AUTH_URL)
PUBLISHER_KEYS=(TIKTOK_CLIENT_SECRET TIKTOK_CLIENT_SECRET_FILE TIKTOK_API_URL
    TIKTOK_UPLOAD_HOSTS TIKTOK_VIDEO_TRANSFER MEDIA_PULL_MODE PUBLISH_INFLIGHT
    PUBLISH_EGRESS_MBIT PUBLISH_STRICT SMTP_URL SMTP_URL_FILE SMTP_CA_FILE MAIL_FROM)
OTHER_KEYS=(API_WORKERS MEDIA_PULL_URL LOG_LEVEL APP_URL SANDBOX_PROCESSING_MS
    SANDBOX_PULL_URLS SANDBOX_WEBHOOK_URL METRICS_LISTEN)
MEDIA_KEYS=(MEDIA_URL MEDIA_S3_ACCESS_KEY MEDIA_S3_SECRET_KEY MEDIA_S3_SECRET_KEY_FILE
    MEDIA_SCRATCH)

# --- settings ---------------------------------------------------------------------------

# The .env file, then the environment, which wins. Lines are NAME=value; quotes around
# the value are taken off. Nothing is expanded or run.
read_settings() {
    local file=${TTS_ENV_FILE-$ROOT/.env} line name value
    if [ -n "$file" ] && [ -f "$file" ]; then
        while IFS= read -r line || [ -n "$line" ]; do
            [[ $line =~ ^[[:space:]]*(export[[:space:]]+)?([A-Z][A-Z0-9_]*)=(.*)$ ]] || continue
            name=${BASH_REMATCH[2]}
            value=${BASH_REMATCH[3]%$'\r'}
            [[ $value =~ ^\"(.*)\"[[:space:]]*$ || $value =~ ^\'(.*)\'[[:space:]]*$ ]] &&
                value=${BASH_REMATCH[1]}
            given[$name]=$value
        done <"$file"
    fi
    for name in "${TIKTOK_KEYS[@]}" "${PUBLISHER_KEYS[@]}" "${OTHER_KEYS[@]}" \
        "${MEDIA_KEYS[@]}"; do
        [ -z "${!name:-}" ] || given[$name]=${!name}
    done
    PORT=${PORT:-${given[PORT]:-8080}}
    [[ $PORT =~ ^[0-9]{1,5}$ ]] && [ "$PORT" -lt 65535 ] ||
        fail "PORT must be a number from 0 to 65534, not '$PORT'."
    REAL=${given[TIKTOK_CLIENT_KEY]:-}${given[TIKTOK_CLIENT_SECRET]:-}
    REAL+=${given[TIKTOK_API_URL]:-}${given[TIKTOK_AUTH_URL]:-}
}

port_free() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

choose_ports() {
    local try
    if [ "$PORT" -eq 0 ]; then
        for ((try = 0; try < 200; try++)); do
            PORT=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
            port_free "$PORT" && port_free $((PORT + 1)) && break
        done
    fi
    for try in "$PORT" $((PORT + 1)); do
        port_free "$try" ||
            fail "Port $try is in use. Name another: make run PORT=$((PORT + 10))"
    done
    APP_URL=${given[APP_URL]:-http://localhost:$PORT}
    SANDBOX_URL=http://localhost:$((PORT + 1))
}

random_text() {
    od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'
}

# Passwords are made once and kept in a file that only we can read.
load_secrets() {
    local file=$VAR_DIR/secrets name value
    if [ ! -f "$file" ]; then
        (
            umask 077
            for name in DB_API DB_PUBLISHER DB_MEDIA SANDBOX_CLIENT_SECRET; do
                printf '%s=%s\n' "$name" "$(random_text 20)"
            done >"$file.new"
            printf 'DEMO_PASSWORD=%s\n' "$(random_text 10)" >>"$file.new"
        )
        mv "$file.new" "$file"
    fi
    while IFS='=' read -r name value; do
        secret[$name]=$value
    done <"$file"
}

keep_secret() {
    secret[$1]=$2
    printf '%s=%s\n' "$1" "$2" >>"$VAR_DIR/secrets"
}

# given_for KEY...: those of the keys that a person set, as NAME=value in the array `set`.
given_for() {
    local name
    set_keys=()
    for name in "$@"; do
        [ -z "${given[$name]:-}" ] || set_keys+=("$name=${given[$name]}")
    done
}

database_url() {
    printf 'mysql://%s:%s@localhost/tts?socket=%s' "$1" "$2" "$RUN_DIR/mariadb.sock"
}

# Sockets need short names (108 bytes); a deep VAR_DIR gets its sockets elsewhere.
program_settings() {
    RUN_DIR=$VAR_DIR/run
    if [ ${#RUN_DIR} -gt 85 ]; then
        RUN_DIR=${TMPDIR:-/tmp}/tts-$(id -u)-$(printf '%s' "$VAR_DIR" | cksum | cut -d' ' -f1)
        mkdir -p -m 700 "$RUN_DIR"
        [ -O "$RUN_DIR" ] || fail "$RUN_DIR belongs to somebody else; set TMPDIR."
    fi
    REDIS_URL=unix://$RUN_DIR/redis.sock
    tiktok_api=()
    tiktok_publisher=()
    if [ -z "$REAL" ]; then
        tiktok_api=("TIKTOK_CLIENT_KEY=$SANDBOX_CLIENT_KEY" "TIKTOK_AUTH_URL=$SANDBOX_URL"
            "TIKTOK_REDIRECT_URI=$APP_URL/api/auth/tiktok/callback")
        tiktok_publisher=("${tiktok_api[@]}" "TIKTOK_API_URL=$SANDBOX_URL"
            "TIKTOK_CLIENT_SECRET=${secret[SANDBOX_CLIENT_SECRET]}"
            "TIKTOK_UPLOAD_HOSTS=localhost")
    fi
    # Where TikTok fetches photos from: the simulator reaches this machine, the real one
    # only an address that is public and verified.
    pull=()
    PULL_URL=${given[MEDIA_PULL_URL]:-}
    [ -n "$REAL" ] || PULL_URL=${PULL_URL:-$APP_URL}
    [ -z "$PULL_URL" ] || pull=("MEDIA_PULL_URL=${PULL_URL%/}")
    given_for "${TIKTOK_KEYS[@]}"
    tiktok_api+=("${set_keys[@]}")
    given_for "${TIKTOK_KEYS[@]}" "${PUBLISHER_KEYS[@]}"
    tiktok_publisher+=("${set_keys[@]}")
    # Where media lies: in VAR_DIR, or where .env says.
    given_for "${MEDIA_KEYS[@]}"
    media=("MEDIA_URL=file://$VAR_DIR/media" "${set_keys[@]}")
    given_for LOG_LEVEL
    common=("TTS_ENV_FILE=" "${set_keys[@]}")
}

wanted() {
    [ "$1" != tts-sandbox ] || [ -z "$REAL" ]
}

# More publishers beside the first one, as on a fleet of machines: tts-publisher-2 …, each
# with a log and a state directory of its own.
add_publishers() {
    local n
    for ((n = 2; n <= ${STACK_PUBLISHERS:-1}; n++)); do
        PROGRAMS+=("tts-publisher-$n")
    done
}

# command_of NAME: what to start, in `command`, and its environment, in `settings_of`.
# Each of our programs gets its own keys: the secret of TikTok and the token key go to the
# publisher alone.
command_of() {
    local set_keys=()
    settings_of=("${common[@]}" "LOG_FILE=$VAR_DIR/log/$1.log")
    command=("$BIN/${1%-[0-9]*}")
    case $1 in
    mariadb)
        settings_of=()
        command=(mariadbd "--defaults-file=$VAR_DIR/mariadb.cnf")
        ;;
    redis)
        settings_of=()
        command=(redis-server "$VAR_DIR/redis.conf")
        ;;
    nginx)
        settings_of=()
        command=(nginx -p "$VAR_DIR" -c "$VAR_DIR/nginx/nginx.conf" -e "$VAR_DIR/log/nginx-error.log")
        ;;
    tts-api)
        given_for API_WORKERS
        settings_of+=("${tiktok_api[@]}" "${set_keys[@]}" "${pull[@]}" "APP_URL=$APP_URL"
            "DATABASE_URL=$(database_url tts_api "${secret[DB_API]}")" "REDIS_URL=$REDIS_URL"
            "APP_KEY_FILE=$VAR_DIR/keys/app.key" "API_LISTEN=unix:$RUN_DIR/api.sock"
            "${media[@]}" "MEDIA_INCOMING=$VAR_DIR/incoming")
        ;;
    tts-publisher*)
        settings_of+=("${tiktok_publisher[@]}" "${pull[@]}" "APP_URL=$APP_URL"
            "DATABASE_URL=$(database_url tts_publisher "${secret[DB_PUBLISHER]}")"
            "REDIS_URL=$REDIS_URL" "TOKEN_KEY_FILE=$VAR_DIR/keys/token.key"
            "${media[@]}" "STATE_DIRECTORY=$VAR_DIR/${1#tts-}")
        ;;
    tts-media)
        settings_of+=("DATABASE_URL=$(database_url tts_media "${secret[DB_MEDIA]}")"
            "REDIS_URL=$REDIS_URL" "${media[@]}")
        ;;
    tts-sandbox)
        given_for SANDBOX_PROCESSING_MS
        settings_of+=("${set_keys[@]}" "SANDBOX_LISTEN=unix:$RUN_DIR/sandbox.sock"
            "SANDBOX_DIR=$VAR_DIR/sandbox" "SANDBOX_URL=$SANDBOX_URL"
            "SANDBOX_CLIENT_SECRET=${secret[SANDBOX_CLIENT_SECRET]}"
            "SANDBOX_REDIRECT_URIS=$APP_URL/api/auth/tiktok/callback")
        # What the publisher says may be fetched is what this TikTok takes for verified.
        settings_of+=("SANDBOX_PULL_URLS=${given[SANDBOX_PULL_URLS]:-${PULL_URL%/}/}")
        settings_of+=("SANDBOX_WEBHOOK_URL=${given[SANDBOX_WEBHOOK_URL]:-http://localhost:$PORT/api/webhooks/tiktok}")
        ;;
    esac
}

# --- servers ----------------------------------------------------------------------------

as_root_user() {
    [ "$(id -u)" -ne 0 ] || printf '%s' "$1"
}

start_mariadb() {
    cat >"$VAR_DIR/mariadb.cnf" <<CNF
[mariadbd]
datadir=$VAR_DIR/mariadb
socket=$RUN_DIR/mariadb.sock
pid-file=$RUN_DIR/mariadb-server.pid
log-error=$VAR_DIR/log/mariadb.log
tmpdir=$VAR_DIR/tmp
skip-networking
skip-name-resolve
local-infile=0
character-set-server=utf8mb4
collation-server=utf8mb4_unicode_ci
innodb-buffer-pool-size=128M
innodb-flush-log-at-trx-commit=1
max-connections=200
max-allowed-packet=16M
$(as_root_user user=root)
CNF
    if [ ! -d "$VAR_DIR/mariadb/mysql" ]; then
        rm -rf "$VAR_DIR/mariadb"
        mkdir -m 700 "$VAR_DIR/mariadb"
        mariadb-install-db --defaults-file="$VAR_DIR/mariadb.cnf" --skip-test-db \
            --auth-root-authentication-method=normal >"$VAR_DIR/log/mariadb-install.log" 2>&1 ||
            fail "MariaDB could not be set up; $VAR_DIR/log/mariadb-install.log says why."
    fi
    start mariadb
    wait_until 60 "MariaDB" still mariadb sql "SELECT 1"
}

sql() {
    mariadb --no-defaults -N -B --socket="$RUN_DIR/mariadb.sock" -u root -e "$1" \
        >/dev/null 2>>"$VAR_DIR/log/mariadb-client.log"
}

start_redis() {
    mkdir -p -m 700 "$VAR_DIR/redis"
    cat >"$VAR_DIR/redis.conf" <<CONF
port 0
unixsocket $RUN_DIR/redis.sock
unixsocketperm 700
dir $VAR_DIR/redis
logfile $VAR_DIR/log/redis.log
daemonize no
appendonly yes
appendfsync everysec
save ""
maxmemory 128mb
maxmemory-policy noeviction
CONF
    start redis
    wait_until 30 "Redis" still redis redis_answers
}

redis_answers() {
    [ "$(redis-cli -s "$RUN_DIR/redis.sock" ping 2>/dev/null)" = PONG ]
}

# --- nginx ------------------------------------------------------------------------------

# listen PORT SUFFIX: the listen lines of a loopback port, IPv6 where there is one.
listen() {
    printf '    listen 127.0.0.1:%s%s;' "$1" "$2"
    if grep -q '^0\{31\}1 ' /proc/net/if_inet6 2>/dev/null; then
        printf '\n    listen [::1]:%s%s;' "$1" "$2"
    fi
}

# The origin of the object store that MEDIA_URL names, if it does: its endpoint= (which may
# be percent-encoded), else Amazon's of the region.
media_endpoint() {
    local url=${given[MEDIA_URL]:-} region=us-east-1
    MEDIA_ENDPOINT=
    [[ $url == s3://* ]] || return 0
    [[ ! $url =~ [?\&]region=([^\&]+) ]] || region=${BASH_REMATCH[1]}
    MEDIA_ENDPOINT=https://s3.$region.amazonaws.com
    [[ ! $url =~ [?\&]endpoint=([^\&]+) ]] || MEDIA_ENDPOINT=${BASH_REMATCH[1]}
    printf -v MEDIA_ENDPOINT '%b' "${MEDIA_ENDPOINT//%/\\x}"
    MEDIA_ENDPOINT=${MEDIA_ENDPOINT%/}
    MEDIA_ENDPOINT=${MEDIA_ENDPOINT,,}
}

# On loopback every client has the same address, so limits by address are wide here.
render_nginx() {
    local include=
    [ -n "$REAL" ] || include='include sandbox.conf;'
    media_endpoint
    "$ROOT/tools/render-nginx" "$VAR_DIR/nginx" SITE=local \
        USER_LINE="$(as_root_user 'user root;')" NGINX_WORKERS=2 \
        RUN_DIR="$RUN_DIR" TMP_DIR="$VAR_DIR/tmp" WWW_DIR="$WWW_DIR" \
        ACCEL_DIR="$VAR_DIR/accel" INCOMING_DIR="$VAR_DIR/incoming" \
        ACCESS_LOG="$VAR_DIR/log/nginx-access.log" ERROR_LOG="$VAR_DIR/log/nginx-error.log" \
        MEDIA_ENDPOINT="$MEDIA_ENDPOINT" \
        SERVER_NAMES='localhost 127.0.0.1 [::1]' SANDBOX_INCLUDE="$include" \
        DASHBOARD_LISTEN="$(listen "$PORT" '')" \
        DASHBOARD_LISTEN_DEFAULT="$(listen "$PORT" ' default_server')" \
        SANDBOX_LISTEN="$(listen $((PORT + 1)) '')" \
        SANDBOX_LISTEN_DEFAULT="$(listen $((PORT + 1)) ' default_server')" \
        API_RATE="${NGINX_API_RATE:-1000r/s}" API_BURST="${NGINX_API_BURST:-1000}" \
        AUTH_RATE="${NGINX_AUTH_RATE:-100r/s}" AUTH_BURST="${NGINX_AUTH_BURST:-100}" \
        METRICS_LISTEN="${given[METRICS_LISTEN]:-}" \
        CALLBACK_RATE=100r/s CALLBACK_BURST=100 WEBHOOK_RATE=10000r/s \
        WEBHOOK_BURST=10000 CONN_PER_IP=1000 UPLOADS_PER_IP=100 ||
        fail "The configuration of nginx could not be written."
    nginx -t -q -p "$VAR_DIR" -c "$VAR_DIR/nginx/nginx.conf" -e "$VAR_DIR/log/nginx-error.log" ||
        fail "nginx refuses the configuration in $VAR_DIR/nginx; the lines above say why."
}

# --- database and people ----------------------------------------------------------------

# ctl WORD...: ttsctl as the database's administrator, with none of our settings.
ctl() {
    env -i PATH="$PATH" LC_ALL=C.UTF-8 TTS_ENV_FILE= \
        DATABASE_URL="mysql://root@localhost/tts?socket=$RUN_DIR/mariadb.sock" \
        "$BIN/ttsctl" "$@" 2>>"$VAR_DIR/log/ttsctl.log"
}

# must WHAT COMMAND...: or says what could not be done, and where it is written why.
must() {
    local what=$1
    shift
    "$@" >>"$VAR_DIR/log/ttsctl.log" || fail "$what failed; $VAR_DIR/log/ttsctl.log says why."
}

prepare_database() {
    must "Making the database" sql 'CREATE DATABASE IF NOT EXISTS tts'
    must "Applying the schema" ctl migrate "$ROOT/schema"
    local user
    for user in API PUBLISHER MEDIA; do
        must "Making a database user" ctl db-user "tts_${user,,}" <<<"${secret[DB_$user]}"
    done
    local key
    for key in token app; do
        [ -f "$VAR_DIR/keys/$key.key" ] ||
            must "Making a key file" ctl keys generate "$VAR_DIR/keys/$key.key"
    done
}

# The sign-in and the API token; both are made once.
make_people() {
    local token
    must "Making the sign-in" ctl user add "$DEMO_EMAIL" --name Demo --workspace Demo \
        --if-missing <<<"${secret[DEMO_PASSWORD]}"
    if [ -z "${secret[API_TOKEN]:-}" ]; then
        token=$(ctl token add "$DEMO_EMAIL" --name "local stack") ||
            fail "Making the API token failed; $VAR_DIR/log/ttsctl.log says why."
        keep_secret API_TOKEN "$token"
    fi
}

make_demo_video() {
    ffmpeg -nostdin -hide_banner -loglevel error -y \
        -f lavfi -i 'gradients=size=720x1280:rate=30:speed=0.02:duration=6' \
        -f lavfi -i 'sine=frequency=330:sample_rate=44100:duration=6' \
        -c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac -shortest \
        -movflags +faststart "$VAR_DIR/tmp/demo.mp4" >"$VAR_DIR/log/demo.log" 2>&1
}
