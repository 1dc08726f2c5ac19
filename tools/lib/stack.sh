# shellcheck shell=bash
# Functions of tools/stack about processes: start, record, recognise, end. A process is
# known by its id and its start time together, so that an id that the kernel gave to
# somebody else since is never signalled. Read by tools/stack only.

VAR_DIR=${VAR_DIR:-$ROOT/var}
MARKER=.tts-stack
PROGRAMS=(tts-sandbox tts-api tts-publisher tts-media)
O=${O:-$ROOT/build/${BUILD:-debug}}
case $O in /*) ;; *) O=$ROOT/$O ;; esac
BIN=$O/bin
WWW_DIR=${WWW_DIR:-$ROOT/www/dist}

declare -A deaths=() born=()

say() {
    printf '%s\n' "$*"
}

fail() {
    printf 'make run: %s\n' "$*" >&2
    exit 1
}

# The start time of a process in clock ticks, or nothing when there is none. The name in
# the second field may hold spaces, so counting begins after its closing bracket.
start_time() {
    local text
    text=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    text=${text##*) }
    # A process that ended and was not waited for yet is none.
    case $text in Z*) return 0 ;; esac
    # shellcheck disable=SC2086 # a list of numbers
    set -- $text
    printf '%s' "${20}"
}

record_pid() {
    printf '%s %s\n' "$2" "$(start_time "$2")" >"$VAR_DIR/run/$1.pid"
}

pid_of() {
    local pid
    read -r pid _ <"$VAR_DIR/run/$1.pid" && printf '%s' "$pid"
}

# runs NAME: the recorded process is there and is still the same one.
runs() {
    local pid time
    [ -f "$VAR_DIR/run/$1.pid" ] || return 1
    read -r pid time <"$VAR_DIR/run/$1.pid" || return 1
    [ -n "$time" ] && [ "$(start_time "$pid")" = "$time" ]
}

# What is left of the group of a program whose leader is gone (workers of a killed parent):
# only processes whose working directory is ours.
orphans_of() {
    local member cwd
    for member in $(pgrep -g "$1" 2>/dev/null); do
        cwd=$(readlink "/proc/$member/cwd" 2>/dev/null) || continue
        case $cwd/ in "$VAR_DIR"/*) printf '%s ' "$member" ;; esac
    done
}

# end NAME SECONDS: TERM, then KILL when it is still there.
end() {
    local name=$1 seconds=$2 pid limit left
    [ -f "$VAR_DIR/run/$name.pid" ] || return 0
    pid=$(pid_of "$name") || return 0
    if runs "$name"; then
        kill -TERM "$pid" 2>/dev/null || true
        kill -CONT "$pid" 2>/dev/null || true
        limit=$((SECONDS + seconds))
        while runs "$name"; do
            if [ "$SECONDS" -ge "$limit" ]; then
                say "$name did not end within $seconds s; killing it."
                kill -KILL "$pid" 2>/dev/null || true
                limit=$((SECONDS + 5))
            fi
            sleep 0.05
        done
    fi
    left=$(orphans_of "$pid")
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$left" ] || kill -KILL $left 2>/dev/null || true
    rm -f "$VAR_DIR/run/$name.pid"
}

# In the order in which nothing waits for what is gone already.
end_everything() {
    local name copy
    for name in nginx tts-api tts-publisher tts-media tts-sandbox; do
        end "$name" 20
    done
    for copy in "$VAR_DIR"/run/tts-publisher-*.pid; do
        [ ! -e "$copy" ] || end "$(basename "$copy" .pid)" 20
    done
    end redis 20
    end mariadb 60
}

# start NAME: starts a program in a session of its own (a Ctrl-C in the terminal is for us
# alone), below VAR_DIR, with the environment command_of() gives it and nothing else.
start() {
    local name=$1 pid line
    local -a command=() extra=()
    command_of "$name"
    if [ -f "$VAR_DIR/run/$name.env" ]; then
        while IFS= read -r line; do
            [ -z "$line" ] || extra+=("$line")
        done <"$VAR_DIR/run/$name.env"
    fi
    (
        cd "$VAR_DIR"
        exec 9>&-
        exec setsid env -i PATH="$PATH" HOME="$VAR_DIR" LC_ALL=C.UTF-8 \
            "${settings_of[@]}" "${extra[@]}" "${command[@]}"
    ) </dev/null >>"$VAR_DIR/log/$name.out" 2>&1 &
    pid=$!
    record_pid "$name" "$pid"
    born[$name]=$SECONDS
    name_of_pid[$pid]=$name
}
declare -A name_of_pid=()

start_missing() {
    local name
    for name in mariadb redis "${PROGRAMS[@]}" nginx; do
        if [ ! -e "$VAR_DIR/run/$name.hold" ] && ! runs "$name" && wanted "$name"; then
            say "Starting $name again"
            start "$name"
        fi
    done
}

# after_death PID STATUS: a child ended by itself.
after_death() {
    local name=${name_of_pid[$1]:-} left
    [ -n "$name" ] || return 0
    unset "name_of_pid[$1]"
    left=$(orphans_of "$1")
    # shellcheck disable=SC2086 # a list of ids
    [ -z "$left" ] || kill -KILL $left 2>/dev/null || true
    # Held, or start_missing() was quicker: a second one would never be ended again.
    if [ -e "$VAR_DIR/run/$name.hold" ] || runs "$name"; then
        return 0
    fi
    say "$name ended with status $2; its last words are in $VAR_DIR/log/$name.out"
    if [ "$2" -eq 78 ]; then
        tail -n 5 "$VAR_DIR/log/$name.out" >&2
        say "$name refuses its settings and is not started again."
        return 0
    fi
    if [ $((SECONDS - born[$name])) -lt 5 ]; then
        deaths[$name]=$((${deaths[$name]:-0} + 1))
    else
        deaths[$name]=0
    fi
    # At once the first time, then after 1, 2, 4 … 16 s.
    if [ "${deaths[$name]}" -gt 1 ]; then
        local pause=$((1 << (deaths[$name] < 6 ? deaths[$name] - 2 : 4)))
        say "Starting $name again in $pause s"
        (exec 9>&-; sleep "$pause"; kill -USR1 $$ 2>/dev/null) &
        return 0
    fi
    say "Starting $name again"
    start "$name"
}

# Of two children that end at the same time bash may tell about one only (wait -n, before
# 5.3). No child process is made here, or another one could be forgotten meanwhile.
find_missed() {
    local pid status
    for pid in "${!name_of_pid[@]}"; do
        if ! kill -0 "$pid" 2>/dev/null; then
            status=0
            wait "$pid" 2>/dev/null || status=$?
            after_death "$pid" "$status"
        fi
    done
}

# wait_until SECONDS WHAT COMMAND...: fails with words when COMMAND does not become true.
wait_until() {
    local limit=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ "$SECONDS" -lt "$limit" ] ||
            fail "Waited in vain for $what. The files in $VAR_DIR/log/ say why."
        sleep 0.1
    done
}

# still NAME COMMAND...: COMMAND, for wait_until; a server that ended is not waited for.
still() {
    local name=$1
    shift
    if ! runs "$name"; then
        tail -n 5 "$VAR_DIR/log/$name.out" >&2
        fail "$name ended. The files in $VAR_DIR/log/ say why."
    fi
    "$@"
}

answers() {
    [ "$(curl -s -o /dev/null -m 5 -w '%{http_code}' --noproxy '*' "$1")" = 200 ]
}
