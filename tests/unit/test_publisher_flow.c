/* flow: every sequence of events to a depth, and the sentences that matter most. */
#include "core/xalloc.h"
#include "publisher/flow/flow.h"
#include "unit.h"

#include <stdio.h>
#include <string.h>

enum { T0 = 1000000000, DEPTH = 11, SEEN_SLOTS = 1 << 21 };

static const struct flow_start fresh = {
    .plan = {.size = 30000000, .chunk_size = 10000000, .count = 3},
    .due_ms = T0 + 60000,
    .give_up_ms = T0 + 21660000,
    .direct = true,
    .named = true,
};

/* --- what may happen to each action --------------------------------------------- */

#define UP(x, n)                                                                         \
    {                                                                                    \
        .what = FLOW_UPLOADED, .step = {.what = TIKTOK_UPLOAD_##x, .next = (n) }         \
    }
#define TOLD(s, b, age)                                                                  \
    {                                                                                    \
        .what = FLOW_TOLD, .state = TIKTOK_##s, .bytes = (b), .age_ms = (age),           \
        .reason = "r"                                                                    \
    }
enum { YOUNG = 1000, OLD = FLOW_URL_LIFE_MS + FLOW_URL_MARGIN_MS + 1 };

static const struct flow_event calls[] = {
    {.what = FLOW_OK},
    {.what = FLOW_AGAIN},
    {.what = FLOW_UNCLEAR},
    {.what = FLOW_AUTH},
    {.what = FLOW_REFUSED, .verdict = FLOW_VERDICT_FAIL, .reason = "r"},
    {.what = FLOW_REFUSED, .verdict = FLOW_VERDICT_BLOCK, .reason = "r"},
    {.what = FLOW_REFUSED, .verdict = FLOW_VERDICT_LIMIT, .reason = "r"},
};
static const struct flow_event writes[] = {{.what = FLOW_OK},
                                           {.what = FLOW_AGAIN},
                                           {.what = FLOW_UNCLEAR},
                                           {.what = FLOW_LOST},
                                           {.what = FLOW_REFUSED, .reason = "r"}};
static const struct flow_event closes[] = {
    {.what = FLOW_OK},      {.what = FLOW_HELD}, {.what = FLOW_AGAIN},
    {.what = FLOW_UNCLEAR}, {.what = FLOW_LOST}, {.what = FLOW_REFUSED, .reason = "r"}};
static const struct flow_event witnesses[] = {
    {.what = FLOW_OK}, {.what = FLOW_HELD}, {.what = FLOW_DROPPED}, {.what = FLOW_AGAIN}};
static const struct flow_event uploads[] = {
    {.what = FLOW_AGAIN}, {.what = FLOW_UNCLEAR}, UP(NEXT, 1),    UP(NEXT, 2),
    UP(DONE, 0),          UP(AGAIN, 0),           UP(SKIP, 1),    UP(SKIP, 2),
    UP(ASK, 0),           UP(EXPIRED, 0),         UP(REFUSED, 0),
};
static const struct flow_event statuses[] = {
    {.what = FLOW_AGAIN},
    {.what = FLOW_UNKNOWN},
    {.what = FLOW_AUTH},
    {.what = FLOW_REFUSED, .verdict = FLOW_VERDICT_BLOCK, .reason = "r"},
    TOLD(PROCESSING, 0, YOUNG),
    TOLD(PROCESSING, 20000000, YOUNG),
    TOLD(PROCESSING, 30000000, YOUNG),
    TOLD(PROCESSING, -1, YOUNG),
    TOLD(PROCESSING, 7, YOUNG),
    TOLD(PROCESSING, 20000000, OLD),
    TOLD(PROCESSING, 0, OLD),
    TOLD(PROCESSING, 20000000, -1),
    TOLD(PROCESSING, 30000000, OLD),
    TOLD(PUBLISHED, 30000000, YOUNG),
    TOLD(FAILED, 30000000, YOUNG),
    {.what = FLOW_TOLD, .state = TIKTOK_FAILED, .retry = true, .reason = "r"},
    {.what = FLOW_TOLD, .state = TIKTOK_FAILED, .block = true, .reason = "r"},
    {.what = FLOW_TOLD, .state = TIKTOK_FAILED, .limit = true, .reason = "r"},
};

struct menu {
    const struct flow_event *events;
    size_t n;
};
#define MENU(a)                                                                          \
    (struct menu)                                                                        \
    {                                                                                    \
        (a), ARRAY_LEN(a)                                                                \
    }

static struct menu menu_of(enum flow_do what)
{
    switch (what) {
    case FLOW_DO_TOKEN:
    case FLOW_DO_CREATOR:
    case FLOW_DO_INIT:
        return MENU(calls);
    case FLOW_DO_CHUNK:
    case FLOW_DO_LAST:
        return MENU(uploads);
    case FLOW_DO_WITNESS:
        return MENU(witnesses);
    case FLOW_DO_STATUS:
        return MENU(statuses);
    case FLOW_DO_WAIT:
        return (struct menu){writes, 1};
    case FLOW_DO_END:
        return (struct menu){writes, 3};
    case FLOW_DO_CLOSE:
        return MENU(closes);
    case FLOW_DO_RELOAD: /* the walk itself makes its events, from the model's row */
        return (struct menu){NULL, 0};
    case FLOW_DO_INTENT:
    case FLOW_DO_PERSIST:
    case FLOW_DO_GRANT:
    case FLOW_DO_OPEN:
    case FLOW_DO_ADOPT:
    case FLOW_DO_SENT:
    case FLOW_DO_PUBLISHED:
    case FLOW_DO_DEAD:
    case FLOW_DO_LATER:
    case FLOW_DO_FAIL:
    case FLOW_DO_BLOCK:
    case FLOW_DO_REVIEW:
    case FLOW_DO_CANCELED:
    case FLOW_DO_RELEASE:
    case FLOW_DO_HANDOVER:
        return MENU(writes);
    }
    return MENU(writes);
}

/* --- the world around the flow -------------------------------------------------- */

/* What the database holds, what may still complete at TikTok, and the proof so far. */
struct world {
    enum flow_session row;
    unsigned attempt_no;
    int64_t granted_ms;
    bool live;      /* a session was granted and is not proven dead */
    bool proof;     /* the last status proved the session dead */
    bool all_there; /* our last chunk was accepted */
    bool ended;     /* the job's row left our hands */

    /* Of what TikTok fetches. */
    enum flow_way way;     /* of every session of this walk but the one it begins with */
    enum flow_way row_way; /* of the one that is there */
    bool named, gate;      /* as the row says */
    bool served;   /* something went through the gate: it cannot be closed any more */
    bool asked;    /* TikTok may have made a session for this attempt */
    bool answered; /* and has said which */
    bool foreign;  /* the witness tells of a session that nobody knows any more */
    int64_t short_ms;
    int64_t now_ms;
};

static size_t steps, dead_proofs, publications;

/* The way here, for the message of a failure. */
static const struct {
    const char *name;
} event_names[] = {{"ok"},      {"again"}, {"unclear"},  {"auth"},
                   {"refused"}, {"lost"},  {"uploaded"}, {"told"},
                   {"unknown"}, {"held"},  {"dropped"},  {"loaded"}};
static struct {
    enum flow_do doing;
    struct flow_event ev;
} trail[DEPTH + 1];

static const char *way(int depth)
{
    static char text[4096];
    size_t len = 0;

    for (int d = DEPTH; d >= depth && len < sizeof(text); d--)
        len += (size_t)snprintf(
            text + len, sizeof(text) - len, "\n  %s: %s step=%d state=%d bytes=%d age=%d",
            flow_do_name(trail[d].doing), event_names[trail[d].ev.what].name,
            (int)trail[d].ev.step.what, (int)trail[d].ev.state, (int)trail[d].ev.bytes,
            (int)trail[d].ev.age_ms);
    return text;
}

static void apply_write(struct world *w, enum flow_do what)
{
    switch (what) {
    case FLOW_DO_INTENT:
        w->attempt_no++;
        w->row = FLOW_SESSION_NONE;
        w->asked = false;
        w->answered = false;
        w->named = false;
        w->row_way = w->way;
        w->gate = w->way != FLOW_BY_UPLOAD;
        w->served = false;
        break;
    case FLOW_DO_PERSIST:
        if (w->way == FLOW_BY_UPLOAD)
            w->row = FLOW_SESSION_READY;
        w->named = true;
        break;
    case FLOW_DO_ADOPT:
        w->foreign = false;
        w->row_way = FLOW_BY_GATE;
        w->gate = false;
        w->named = true;
        w->row = FLOW_SESSION_GRANTED;
        w->live = true;
        w->granted_ms = w->now_ms;
        break;
    case FLOW_DO_OPEN:
        w->named = w->way == FLOW_BY_GATE;
        w->row = FLOW_SESSION_GRANTED;
        w->live = true;
        w->granted_ms = w->now_ms;
        break;
    case FLOW_DO_GRANT:
        w->row = FLOW_SESSION_GRANTED;
        w->live = true;
        w->granted_ms = w->now_ms;
        break;
    case FLOW_DO_SENT:
        w->row = FLOW_SESSION_SENT;
        break;
    case FLOW_DO_CLOSE: /* of itself the proof: nothing was served, nothing will be */
    case FLOW_DO_DEAD:
        w->row = FLOW_SESSION_NONE;
        w->live = false;
        w->all_there = false;
        dead_proofs++;
        break;
    case FLOW_DO_PUBLISHED:
        publications++;
        w->ended = true;
        break;
    case FLOW_DO_LATER:
    case FLOW_DO_FAIL:
    case FLOW_DO_BLOCK:
    case FLOW_DO_REVIEW:
    case FLOW_DO_CANCELED:
    case FLOW_DO_RELEASE:
    case FLOW_DO_HANDOVER:
    case FLOW_DO_END:
        w->ended = true;
        break;
    case FLOW_DO_TOKEN: /* these write nothing */
    case FLOW_DO_CREATOR:
    case FLOW_DO_INIT:
    case FLOW_DO_CHUNK:
    case FLOW_DO_WAIT:
    case FLOW_DO_WITNESS:
    case FLOW_DO_LAST:
    case FLOW_DO_STATUS:
    case FLOW_DO_RELOAD:
        break;
    }
}

/* Does this answer prove that the session cannot complete? Kept apart from flow.c. */
static void weigh_proof(struct world *w, enum flow_do doing, const struct flow_event *ev)
{
    w->proof = false;
    if (doing == FLOW_DO_INIT && ev->what != FLOW_OK && ev->what != FLOW_UNCLEAR)
        w->proof = w->way == FLOW_BY_LOG && !w->asked; /* there is no session at all */
    if (ev->what != FLOW_TOLD)
        return;
    if (ev->state == TIKTOK_FAILED)
        w->proof = true;
    if (w->row_way == FLOW_BY_UPLOAD && ev->state == TIKTOK_PROCESSING &&
        ev->age_ms == OLD && ev->bytes >= 0 && ev->bytes < fresh.plan.size &&
        !w->all_there) {
        if (w->short_ms == 0)
            w->short_ms = w->now_ms;
        else if (w->now_ms - w->short_ms >= FLOW_PROOF_GAP_MS)
            w->proof = true;
    } else {
        w->short_ms = 0;
    }
}

static void check(const struct flow *f, const struct flow_action *a,
                  const struct world *w, int depth)
{
    const char *name = flow_do_name(a->what);

    if (a->what == FLOW_DO_INIT && w->way == FLOW_BY_LOG)
        ck_assert_msg(w->live && w->row_way == FLOW_BY_LOG && !w->named && !w->asked,
                      "init without a gate of its own%s", way(depth));
    else if (a->what == FLOW_DO_INIT || a->what == FLOW_DO_INTENT)
        ck_assert_msg(!w->live, "%s while a granted session may complete%s", name,
                      way(depth));
    if (a->what == FLOW_DO_LAST) {
        ck_assert_msg(w->live && w->row == FLOW_SESSION_GRANTED, "last without a grant%s",
                      way(depth));
        ck_assert_int_eq(a->chunk, fresh.plan.count - 1);
        ck_assert_int_ge(a->at_ms, f->start.due_ms);
    }
    if (a->what == FLOW_DO_INTENT || a->what == FLOW_DO_INIT || a->what == FLOW_DO_OPEN ||
        a->what == FLOW_DO_GRANT)
        ck_assert_msg(!w->foreign, "%s beside an unknown session%s", name, way(depth));
    if (a->what == FLOW_DO_OPEN) {
        ck_assert_msg(!w->live && w->answered == (w->way == FLOW_BY_GATE) &&
                          w->row_way == w->way && w->way != FLOW_BY_UPLOAD,
                      "a gate is opened for no session%s", way(depth));
        if (a->at_ms < f->start.due_ms) /* but what is repeated waits no longer */
            ck_assert_int_ge(w->now_ms, f->start.due_ms);
    }
    if (a->what == FLOW_DO_ADOPT)
        ck_assert_msg(!w->live && w->foreign, "%s%s", name, way(depth));
    if (a->what == FLOW_DO_CLOSE)
        ck_assert_msg(w->live && w->gate, "there is no gate to close%s", way(depth));
    if (a->what == FLOW_DO_STATUS && w->live)
        ck_assert_msg(w->named, "no name to ask for%s", way(depth));
    if (a->what == FLOW_DO_CHUNK || a->what == FLOW_DO_LAST)
        ck_assert_int_eq(w->row_way, FLOW_BY_UPLOAD);
    if (a->what == FLOW_DO_CHUNK)
        ck_assert_msg(a->chunk >= 0 && a->chunk < fresh.plan.count - 1,
                      "chunk out of range");
    if (a->what == FLOW_DO_DEAD && w->live)
        ck_assert_msg(w->proof, "dead without proof%s", way(depth));
    if (a->what == FLOW_DO_LATER || a->what == FLOW_DO_FAIL || a->what == FLOW_DO_BLOCK ||
        a->what == FLOW_DO_CANCELED || a->what == FLOW_DO_RELEASE)
        ck_assert_msg(!w->live, "%s after the grant%s", name, way(depth));
    if (w->ended)
        ck_assert_msg(a->what == FLOW_DO_END || a->what == FLOW_DO_RELOAD,
                      "%s after the end%s", name, way(depth));
    if (a->what == FLOW_DO_FAIL || a->what == FLOW_DO_BLOCK || a->what == FLOW_DO_REVIEW)
        ck_assert_msg(a->reason[0] != '\0', "%s without a reason", name);
}

/* --- the walk ------------------------------------------------------------------- */

static uint64_t *seen;

static uint64_t mix(uint64_t h, uint64_t v)
{
    h ^= v + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdULL;
}

/* True when this state was met before with at least as much depth left. Two states that
 * collide are only visited once: with 64 bits and a few million states that is rare, and
 * costs coverage, never a false alarm. */
static bool met(const struct flow *f, const struct world *w, int depth)
{
    uint64_t parts[] = {f->doing,
                        f->then,
                        (uint64_t)f->chunk,
                        f->granted,
                        f->sent,
                        f->position_known,
                        f->tries,
                        f->auths,
                        f->deaths,
                        f->resyncs,
                        f->after_dead,
                        f->limited,
                        (uint64_t)(f->short_ms != 0),
                        f->unclear.what,
                        w->row,
                        w->live,
                        w->proof,
                        w->all_there,
                        w->ended,
                        (uint64_t)(w->short_ms != 0),
                        f->start.session,
                        f->start.way,
                        f->start.new_way,
                        f->start.named,
                        f->start.gate,
                        f->served,
                        w->row_way,
                        w->named,
                        w->gate,
                        w->served,
                        w->asked,
                        w->answered,
                        w->foreign,
                        (uint64_t)depth};
    uint64_t h = 1;

    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        h = mix(h, parts[i]);
    for (size_t i = h % SEEN_SLOTS, n = 0; n < 64; n++, i = (i + 1) % SEEN_SLOTS) {
        if (seen[i] == h)
            return true;
        if (seen[i] == 0) {
            seen[i] = h;
            return false;
        }
    }
    return false;
}

static void walk(struct flow f, struct world w, struct flow_action a, int depth);

static void go(const struct flow *f, const struct world *w, const struct flow_event *ev,
               int depth)
{
    struct flow next = *f;
    struct world after = *w;
    struct flow_event now = *ev;
    struct flow_action a;

    after.now_ms += FLOW_PROOF_GAP_MS;
    now.now_ms = after.now_ms;
    if (f->doing == FLOW_DO_STATUS || f->doing == FLOW_DO_INIT)
        weigh_proof(&after, f->doing, &now);
    if (f->doing == FLOW_DO_INIT) {
        after.asked = after.asked || now.what == FLOW_OK || now.what == FLOW_UNCLEAR;
        after.answered = now.what == FLOW_OK;
    }
    if (f->doing == FLOW_DO_CLOSE && now.what == FLOW_HELD)
        after.served = true;
    if (now.what == FLOW_HELD &&
        (f->doing == FLOW_DO_WITNESS || now.other ||
         (f->doing == FLOW_DO_FAIL && f->start.way != FLOW_BY_UPLOAD)))
        after.foreign = true;
    if (f->doing == FLOW_DO_LAST && now.what == FLOW_UPLOADED &&
        now.step.what == TIKTOK_UPLOAD_DONE)
        after.all_there = true;
    if (f->doing == FLOW_DO_LAST)
        after.short_ms = 0;
    if (now.what == FLOW_LOST)
        after.ended = true;
    steps++;
    trail[depth].doing = f->doing;
    trail[depth].ev = now;
    a = flow_step(&next, &now);
    if (f->doing == FLOW_DO_DEAD || f->doing == FLOW_DO_RELOAD)
        after.proof = after.proof && a.what == FLOW_DO_DEAD;
    check(&next, &a, &after, depth);
    if (f->doing == FLOW_DO_END)
        ck_assert_int_eq(a.what, FLOW_DO_END);
    walk(next, after, a, depth - 1);
}

static void reload(const struct flow *f, const struct world *w, int depth)
{
    struct flow_event ev = {.what = FLOW_LOADED, .start = fresh};

    if (w->ended) {
        ev.what = FLOW_LOST;
        go(f, w, &ev, depth);
        return;
    }
    ev.start.session = w->row;
    ev.start.way = w->row_way;
    ev.start.new_way = w->way;
    ev.start.named = w->named;
    ev.start.gate = w->gate;
    ev.start.attempt_no = w->attempt_no;
    ev.start.granted_ms = w->granted_ms;
    go(f, w, &ev, depth);
    ev.what = FLOW_AGAIN;
    go(f, w, &ev, depth);
}

static void walk(struct flow f, struct world w, struct flow_action a, int depth)
{
    struct menu menu = menu_of(a.what);

    if (depth == 0 || met(&f, &w, depth))
        return;
    if (a.what == FLOW_DO_RELOAD)
        reload(&f, &w, depth);
    for (size_t i = 0; i < menu.n; i++) {
        struct world w2 = w;

        if (a.what == FLOW_DO_END && i > 0)
            continue;
        if (a.what == FLOW_DO_CLOSE && w.served && menu.events[i].what == FLOW_OK)
            continue;
        if ((menu.events == writes || menu.events == closes) && a.what != FLOW_DO_WAIT &&
            menu.events[i].what == FLOW_OK)
            apply_write(&w2, a.what);
        if (i == 0 && w.row == FLOW_SESSION_READY &&
            (a.what == FLOW_DO_FAIL || (a.what == FLOW_DO_DEAD && !a.proof))) {
            go(&f, &w, &(struct flow_event){.what = FLOW_HELD}, depth);
            go(&f, &w, &(struct flow_event){.what = FLOW_HELD, .other = true}, depth);
        }
        if (i == 0 && a.what == FLOW_DO_FAIL && w.attempt_no > 0 && !w.live &&
            f.start.way == FLOW_BY_GATE && w.way == FLOW_BY_GATE)
            go(&f, &w, &(struct flow_event){.what = FLOW_HELD}, depth);
        go(&f, &w2, &menu.events[i], depth);
        if (a.what == FLOW_DO_CLOSE && w.served)
            continue;
        if ((menu.events == writes || menu.events == closes) &&
            menu.events[i].what == FLOW_UNCLEAR) {
            apply_write(&w2, a.what); /* it was written after all */
            go(&f, &w2, &menu.events[i], depth);
        }
    }
}

struct beginning {
    enum flow_session session;
    enum flow_way way; /* of that session */
    bool named, gate;
};

/* Everything that can follow, when new sessions go that way. */
static void walk_from(const struct beginning *b, enum flow_way new_way)
{
    struct flow f;
    struct flow_start s = fresh;
    struct flow_action a;
    struct world w = {.row = b->session,
                      .live = b->session >= FLOW_SESSION_GRANTED,
                      .all_there = b->session == FLOW_SESSION_SENT,
                      .granted_ms = T0,
                      .now_ms = T0,
                      .way = new_way,
                      .row_way = b->way,
                      .named = b->named,
                      .gate = b->gate};

    s.session = b->session;
    s.way = b->way;
    s.new_way = new_way;
    s.named = b->named;
    s.gate = b->gate;
    s.granted_ms = T0;
    w.attempt_no = s.attempt_no = b->session == FLOW_SESSION_NONE ? 0 : 1;
    a = flow_begin(&f, &s, T0);
    check(&f, &a, &w, DEPTH + 1);
    walk(f, w, a, DEPTH);
}

static const struct beginning begins[] = {
    {FLOW_SESSION_NONE, FLOW_BY_UPLOAD, false, false},
    {FLOW_SESSION_READY, FLOW_BY_UPLOAD, true, false},
    {FLOW_SESSION_GRANTED, FLOW_BY_UPLOAD, true, false},
    {FLOW_SESSION_SENT, FLOW_BY_UPLOAD, true, false},
    {FLOW_SESSION_GRANTED, FLOW_BY_GATE, true, true},
    {FLOW_SESSION_GRANTED, FLOW_BY_GATE, true, false}, /* adopted */
    {FLOW_SESSION_GRANTED, FLOW_BY_GATE, false, true}, /* by log, INIT unanswered */
};

static void walk_all(enum flow_way new_way)
{
    seen = xcalloc(SEEN_SLOTS, sizeof(*seen));
    steps = dead_proofs = publications = 0;
    for (size_t i = 0; i < ARRAY_LEN(begins); i++)
        walk_from(&begins[i], new_way);
    free(seen);
    ck_assert_uint_gt(steps, 100000);
    ck_assert_uint_gt(dead_proofs, 0);
    ck_assert_uint_gt(publications, 0);
}

START_TEST(no_sequence_of_events_publishes_twice_or_without_a_grant)
{
    walk_all(FLOW_BY_UPLOAD);
}
END_TEST

START_TEST(nor_does_one_of_what_tiktok_fetches_through_the_gate)
{
    walk_all(FLOW_BY_GATE);
}
END_TEST

START_TEST(nor_one_of_what_it_fetches_before_the_session_is_known)
{
    walk_all(FLOW_BY_LOG);
}
END_TEST

/* --- sentences ------------------------------------------------------------------ */

static struct flow flow;
static int64_t now;

static struct flow_action after(struct flow_event ev)
{
    if (ev.now_ms == 0)
        ev.now_ms = now;
    return flow_step(&flow, &ev);
}

static void expect(struct flow_action a, enum flow_do what)
{
    ck_assert_msg(a.what == what, "%s instead of %s", flow_do_name(a.what),
                  flow_do_name(what));
}

static const struct flow_event ok = {.what = FLOW_OK};
static const struct flow_event unclear = {.what = FLOW_UNCLEAR};

/* Goes the good way until the flow is about to do what. */
static struct flow_action go_to(enum flow_do what)
{
    struct flow_action a;

    now = T0;
    a = flow_begin(&flow, &fresh, now);
    for (int i = 0; i < 30 && a.what != what; i++) {
        struct flow_event ev = ok;

        if (a.what == FLOW_DO_CHUNK)
            ev = (struct flow_event)UP(NEXT, a.chunk + 1);
        if (a.what == FLOW_DO_LAST)
            ev = (struct flow_event)UP(DONE, 0);
        if (a.what == FLOW_DO_STATUS)
            ev = (struct flow_event)TOLD(PUBLISHED, 30000000, YOUNG);
        a = after(ev);
    }
    expect(a, what);
    return a;
}

START_TEST(a_video_goes_the_whole_way_in_order)
{
    static const enum flow_do way[] = {FLOW_DO_TOKEN,  FLOW_DO_CREATOR,   FLOW_DO_INTENT,
                                       FLOW_DO_INIT,   FLOW_DO_PERSIST,   FLOW_DO_CHUNK,
                                       FLOW_DO_CHUNK,  FLOW_DO_WAIT,      FLOW_DO_WITNESS,
                                       FLOW_DO_GRANT,  FLOW_DO_LAST,      FLOW_DO_SENT,
                                       FLOW_DO_STATUS, FLOW_DO_PUBLISHED, FLOW_DO_END};
    struct flow_action a;

    now = T0;
    a = flow_begin(&flow, &fresh, now);
    for (size_t i = 0; i < ARRAY_LEN(way); i++) {
        expect(a, way[i]);
        if (a.what == FLOW_DO_CHUNK)
            a = after((struct flow_event)UP(NEXT, a.chunk + 1));
        else if (a.what == FLOW_DO_LAST)
            a = after((struct flow_event)UP(DONE, 0));
        else if (a.what == FLOW_DO_STATUS)
            a = after((struct flow_event)TOLD(PUBLISHED, 30000000, YOUNG));
        else
            a = after(ok);
    }
}
END_TEST

START_TEST(the_last_chunk_waits_for_its_second)
{
    struct flow_action a = go_to(FLOW_DO_WAIT);

    ck_assert_int_eq(a.at_ms, fresh.due_ms - FLOW_GRANT_AHEAD_MS);
    a = go_to(FLOW_DO_LAST);
    ck_assert_int_eq(a.at_ms, fresh.due_ms);
    ck_assert_int_eq(a.chunk, 2);
}
END_TEST

START_TEST(a_lost_answer_to_init_waits_and_then_makes_a_new_session)
{
    go_to(FLOW_DO_INIT);
    expect(after(unclear), FLOW_DO_LATER);
}
END_TEST

START_TEST(a_lost_answer_to_the_last_chunk_is_cleared_up_by_asking)
{
    go_to(FLOW_DO_LAST);
    expect(after(unclear), FLOW_DO_STATUS);
    expect(after((struct flow_event)TOLD(PROCESSING, 20000000, YOUNG)), FLOW_DO_LAST);
    expect(after(unclear), FLOW_DO_STATUS);
    expect(after((struct flow_event)TOLD(PROCESSING, 30000000, YOUNG)), FLOW_DO_SENT);
}
END_TEST

START_TEST(a_granted_session_dies_only_by_two_incomplete_answers_a_minute_apart)
{
    struct flow_event old = TOLD(PROCESSING, 20000000, OLD);

    go_to(FLOW_DO_LAST);
    expect(after((struct flow_event)UP(EXPIRED, 0)), FLOW_DO_STATUS);
    expect(after(old), FLOW_DO_STATUS);
    now += FLOW_PROOF_GAP_MS - 1;
    expect(after(old), FLOW_DO_STATUS);
    now += 1;
    expect(after(old), FLOW_DO_DEAD);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_INTENT);
}
END_TEST

START_TEST(a_session_that_has_every_byte_never_dies_by_age)
{
    go_to(FLOW_DO_SENT);
    expect(after(ok), FLOW_DO_STATUS);
    for (int i = 0; i < 50; i++) {
        expect(after((struct flow_event)TOLD(PROCESSING, 20000000, OLD)), FLOW_DO_STATUS);
        now += FLOW_PROOF_GAP_MS;
    }
}
END_TEST

START_TEST(an_answer_that_all_is_stored_is_not_believed_against_tiktoks_count)
{
    const struct flow_event missing = TOLD(PROCESSING, 20000000, YOUNG);
    struct flow_action a = go_to(FLOW_DO_SENT);

    a = after(ok);
    for (int i = 1; i < FLOW_DOUBT_POLLS; i++) {
        expect(a, FLOW_DO_STATUS);
        a = after(missing);
    }
    expect(a, FLOW_DO_STATUS);
    a = after(missing);
    expect(a, FLOW_DO_LAST); /* of the same session */
    ck_assert_int_eq(a.chunk, 2);
    expect(after((struct flow_event)UP(DONE, 0)), FLOW_DO_STATUS); /* noted already */
    expect(after((struct flow_event)TOLD(PUBLISHED, 30000000, YOUNG)), FLOW_DO_PUBLISHED);
}
END_TEST

START_TEST(bytes_that_stay_missing_are_offered_a_few_times_and_prove_nothing)
{
    const struct flow_event missing = TOLD(PROCESSING, 20000000, YOUNG);
    struct flow_action a = go_to(FLOW_DO_SENT);
    int offered = 0;

    a = after(ok);
    for (int i = 0; i < 100; i++) {
        ck_assert(a.what == FLOW_DO_STATUS || a.what == FLOW_DO_LAST);
        offered += a.what == FLOW_DO_LAST;
        a = a.what == FLOW_DO_LAST ? after((struct flow_event)UP(DONE, 0))
                                   : after(missing);
    }
    ck_assert_int_eq(offered, FLOW_RESYNCS_MAX);
}
END_TEST

START_TEST(after_72_hours_without_a_verdict_a_person_must_look)
{
    struct flow_action a;

    go_to(FLOW_DO_SENT);
    expect(after(ok), FLOW_DO_STATUS);
    now += FLOW_REVIEW_MS + 1;
    a = after((struct flow_event)TOLD(PROCESSING, 30000000, OLD));
    expect(a, FLOW_DO_REVIEW);
    ck_assert_str_eq(a.reason, "outcome_unknown");
}
END_TEST

START_TEST(a_commit_of_the_grant_that_nobody_heard_of_is_read_before_anything_is_sent)
{
    struct flow_event loaded = {.what = FLOW_LOADED, .start = fresh};

    loaded.start.attempt_no = 1;
    loaded.start.granted_ms = T0;
    go_to(FLOW_DO_GRANT);
    expect(after(unclear), FLOW_DO_RELOAD);
    loaded.start.session = FLOW_SESSION_GRANTED;
    expect(after(loaded), FLOW_DO_LAST);

    go_to(FLOW_DO_GRANT);
    expect(after(unclear), FLOW_DO_RELOAD);
    loaded.start.session = FLOW_SESSION_READY;
    expect(after(loaded), FLOW_DO_WITNESS);
}
END_TEST

START_TEST(a_write_that_can_never_work_ends_in_review_and_is_not_tried_for_ever)
{
    static const enum flow_do written[] = {FLOW_DO_INTENT, FLOW_DO_PERSIST, FLOW_DO_GRANT,
                                           FLOW_DO_SENT, FLOW_DO_PUBLISHED};
    const struct flow_event refused = {.what = FLOW_REFUSED, .reason = "internal_error"};

    for (size_t i = 0; i < ARRAY_LEN(written); i++) {
        struct flow_action a;

        (void)go_to(written[i]);
        a = after(refused);
        expect(a, FLOW_DO_REVIEW);
        ck_assert_str_eq(a.reason, "internal_error");
        expect(after(refused), FLOW_DO_REVIEW); /* itself it is tried again */
        expect(after(ok), FLOW_DO_END);
    }
}
END_TEST

START_TEST(a_second_refusal_of_the_token_asks_the_person_to_reconnect)
{
    struct flow_event auth = {.what = FLOW_AUTH};
    struct flow_action a;

    go_to(FLOW_DO_INIT);
    a = after(auth);
    expect(a, FLOW_DO_TOKEN);
    ck_assert(a.force);
    expect(after(ok), FLOW_DO_INIT);
    a = after(auth);
    expect(a, FLOW_DO_BLOCK);
    ck_assert_str_eq(a.reason, "reconnect_needed");
}
END_TEST

START_TEST(a_post_that_is_too_late_is_missed_and_not_published)
{
    struct flow_action a = flow_begin(&flow, &fresh, fresh.give_up_ms + 1);

    expect(a, FLOW_DO_FAIL);
    ck_assert_str_eq(a.reason, "missed");
}
END_TEST

START_TEST(what_holds_the_witness_is_granted_again_before_it_is_given_up)
{
    struct flow_event held = {.what = FLOW_HELD};
    struct flow_start s = fresh;
    struct flow_action a;

    s.session = FLOW_SESSION_READY;
    s.attempt_no = 1;
    expect(flow_begin(&flow, &s, fresh.give_up_ms + 1), FLOW_DO_FAIL);
    expect(after(held), FLOW_DO_GRANT);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_STATUS);
    expect(after((struct flow_event)TOLD(PUBLISHED, 30000000, YOUNG)), FLOW_DO_PUBLISHED);

    expect(flow_begin(&flow, &s, T0), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_STATUS);
    a = after((struct flow_event){.what = FLOW_UNKNOWN});
    expect(a, FLOW_DO_DEAD);
    ck_assert(!a.proof);
    expect(after(held), FLOW_DO_GRANT);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_STATUS);
    expect(after((struct flow_event){.what = FLOW_UNKNOWN}), FLOW_DO_STATUS);
    a = after((struct flow_event)TOLD(FAILED, 0, YOUNG));
    expect(a, FLOW_DO_DEAD);
    ck_assert(a.proof);
}
END_TEST

START_TEST(a_granted_post_is_followed_up_however_late_it_is)
{
    struct flow_start s = fresh;

    s.session = FLOW_SESSION_GRANTED;
    s.granted_ms = T0;
    expect(flow_begin(&flow, &s, fresh.give_up_ms + 1), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_STATUS);
}
END_TEST

START_TEST(an_interrupted_upload_goes_on_where_tiktok_says)
{
    struct flow_start s = fresh;
    struct flow_action a;

    s.session = FLOW_SESSION_READY;
    now = T0;
    flow_begin(&flow, &s, now);
    expect(after(ok), FLOW_DO_STATUS);
    a = after((struct flow_event)TOLD(PROCESSING, 10000000, YOUNG));
    expect(a, FLOW_DO_CHUNK);
    ck_assert_int_eq(a.chunk, 1);
}
END_TEST

START_TEST(tiktoks_failure_is_final_or_tried_again_as_its_reason_says)
{
    struct flow_event failed = {
        .what = FLOW_TOLD, .state = TIKTOK_FAILED, .reason = "file_format_check_failed"};
    struct flow_action a;

    go_to(FLOW_DO_SENT);
    after(ok);
    a = after(failed);
    expect(a, FLOW_DO_DEAD);
    ck_assert_str_eq(a.reason, "file_format_check_failed");
    a = after(ok);
    expect(a, FLOW_DO_FAIL);
    ck_assert_str_eq(a.reason, "file_format_check_failed");

    go_to(FLOW_DO_SENT);
    after(ok);
    failed.retry = true;
    expect(after(failed), FLOW_DO_DEAD);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_INTENT);
}
END_TEST

START_TEST(a_limit_puts_the_post_off_and_is_no_failure_however_late_it_gets)
{
    struct flow_event limit = {.what = FLOW_REFUSED,
                               .verdict = FLOW_VERDICT_LIMIT,
                               .reason = "daily_post_limit"};
    struct flow_event told = {.what = FLOW_TOLD,
                              .state = TIKTOK_FAILED,
                              .limit = true,
                              .reason = "daily_post_limit"};
    struct flow_action a;

    for (int late = 0; late < 2; late++) { /* within the person's patience, and beyond */
        go_to(FLOW_DO_CREATOR);
        now = late != 0 ? fresh.give_up_ms + 1 : now;
        a = after(limit);
        expect(a, FLOW_DO_LATER);
        ck_assert(a.limited);
        ck_assert_str_eq(a.reason, "daily_post_limit");
        ck_assert_int_eq(a.wait_ms, 0); /* how long is for the store to say */
        go_to(FLOW_DO_INIT);
        ck_assert(after(limit).limited);
        go_to(FLOW_DO_STATUS); /* granted, and failed for it: dead first */
        now = late != 0 ? fresh.give_up_ms + 1 : now;
        expect(after(told), FLOW_DO_DEAD);
        a = after((struct flow_event){.what = FLOW_OK});
        expect(a, FLOW_DO_LATER);
        ck_assert(a.limited);
        ck_assert_str_eq(a.reason, "daily_post_limit");
    }
}
END_TEST

START_TEST(a_limit_whose_end_was_not_written_is_written_again_as_one)
{
    struct flow_action a;

    go_to(FLOW_DO_INIT);
    expect(after((struct flow_event){
               .what = FLOW_REFUSED, .verdict = FLOW_VERDICT_LIMIT, .reason = "r"}),
           FLOW_DO_LATER);
    a = after((struct flow_event){.what = FLOW_AGAIN});
    ck_assert(a.what == FLOW_DO_LATER && a.limited);
    expect(after((struct flow_event){.what = FLOW_UNCLEAR}), FLOW_DO_RELOAD);
    a = after((struct flow_event){.what = FLOW_LOADED, .start = fresh});
    ck_assert(a.what == FLOW_DO_LATER && a.limited);
}
END_TEST

START_TEST(waits_grow_to_five_minutes_and_honour_what_was_asked)
{
    struct flow_event again = {.what = FLOW_AGAIN, .jitter = 1000};
    int64_t last = 0;

    for (unsigned fails = 0; fails < 30; fails++) {
        struct flow_action a;

        go_to(FLOW_DO_INIT);
        flow.start.fails = fails;
        a = after(again);
        expect(a, FLOW_DO_LATER);
        ck_assert_int_ge(a.wait_ms, last);
        ck_assert_int_le(a.wait_ms, FLOW_RETRY_CAP_MS);
        last = a.wait_ms;
    }
    ck_assert_int_eq(last, FLOW_RETRY_CAP_MS);
    go_to(FLOW_DO_INIT);
    again.wait_ms = 61000;
    ck_assert_int_eq(after(again).wait_ms, 61000);
}
END_TEST

START_TEST(while_everybody_waits_for_tiktok_nobody_waits_for_long)
{
    struct flow_event again = {.what = FLOW_AGAIN, .jitter = 1000, .cap_ms = 8000};

    go_to(FLOW_DO_INIT);
    flow.start.fails = 20;
    ck_assert_int_eq(after(again).wait_ms, 8000);
    go_to(FLOW_DO_INIT);
    flow.start.fails = 20;
    again.wait_ms = 61000; /* what was asked for counts all the same */
    ck_assert_int_eq(after(again).wait_ms, 61000);
}
END_TEST

START_TEST(only_sessions_that_tiktok_opened_use_up_a_post)
{
    go_to(FLOW_DO_CREATOR);
    flow.start.attempt_no = FLOW_ATTEMPTS_MAX + 5;
    flow.start.unborn = 6;
    expect(after(ok), FLOW_DO_INTENT);
    go_to(FLOW_DO_CREATOR);
    flow.start.attempt_no = FLOW_ATTEMPTS_MAX + 5;
    flow.start.unborn = 5;
    expect(after(ok), FLOW_DO_FAIL);
}
END_TEST

START_TEST(a_granted_post_asks_a_silent_tiktok_more_and_more_seldom_though_often)
{
    struct flow_event again = {.what = FLOW_AGAIN, .jitter = 1000};
    int64_t last = 0;

    go_to(FLOW_DO_SENT);
    expect(after(ok), FLOW_DO_STATUS);
    for (int i = 0; i < 40; i++) {
        struct flow_action a = after(again);

        expect(a, FLOW_DO_STATUS);
        ck_assert_int_ge(a.at_ms - now, last);
        last = a.at_ms - now;
        now = a.at_ms;
    }
    ck_assert_int_eq(last, FLOW_SHORT_RETRY_MS);
    (void)after((struct flow_event)TOLD(PROCESSING, 30000000, YOUNG));
    ck_assert_int_lt(after(again).at_ms - now, FLOW_SHORT_RETRY_MS);
}
END_TEST

START_TEST(a_shutdown_gives_back_what_waits_and_finishes_what_is_committed)
{
    go_to(FLOW_DO_WAIT);
    expect(flow_stop(&flow), FLOW_DO_RELEASE);
    go_to(FLOW_DO_LAST);
    expect(flow_stop(&flow), FLOW_DO_LAST);
    go_to(FLOW_DO_STATUS);
    expect(flow_stop(&flow), FLOW_DO_HANDOVER);
    go_to(FLOW_DO_PERSIST);
    expect(flow_stop(&flow), FLOW_DO_PERSIST);
}
END_TEST

/* --- what TikTok fetches ---------------------------------------------------------- */

/* As go_to(), for sessions that go that way. */
static struct flow_action fetched_to(enum flow_way by, enum flow_do what)
{
    struct flow_start s = fresh;
    struct flow_action a;

    s.new_way = by;
    now = T0;
    a = flow_begin(&flow, &s, now);
    for (int i = 0; i < 30 && a.what != what; i++)
        a = after(a.what == FLOW_DO_STATUS ? (struct flow_event)TOLD(PUBLISHED, 1, YOUNG)
                                           : ok);
    expect(a, what);
    return a;
}

static void goes(enum flow_way by, const enum flow_do *steps_, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)fetched_to(by, steps_[i]);
    for (size_t i = 0; i + 1 < n; i++) {
        (void)fetched_to(by, steps_[i]);
        expect(after(steps_[i] == FLOW_DO_STATUS
                         ? (struct flow_event)TOLD(PUBLISHED, 1, YOUNG)
                         : ok),
               steps_[i + 1]);
    }
}

START_TEST(by_the_gate_the_session_and_its_grant_are_one_write_at_the_due_time)
{
    static const enum flow_do way[] = {
        FLOW_DO_TOKEN,   FLOW_DO_CREATOR, FLOW_DO_INTENT, FLOW_DO_WAIT,      FLOW_DO_INIT,
        FLOW_DO_WITNESS, FLOW_DO_OPEN,    FLOW_DO_STATUS, FLOW_DO_PUBLISHED, FLOW_DO_END};

    goes(FLOW_BY_GATE, way, ARRAY_LEN(way));
    ck_assert_int_eq(fetched_to(FLOW_BY_GATE, FLOW_DO_WAIT).at_ms,
                     fresh.due_ms - FLOW_INIT_AHEAD_MS);
    ck_assert_int_eq(fetched_to(FLOW_BY_GATE, FLOW_DO_WITNESS).at_ms,
                     fresh.due_ms - FLOW_GRANT_AHEAD_MS);
    ck_assert_int_eq(fetched_to(FLOW_BY_GATE, FLOW_DO_OPEN).at_ms, fresh.due_ms);
}
END_TEST

START_TEST(by_log_the_gate_is_open_before_tiktok_is_asked_to_fetch)
{
    static const enum flow_do way[] = {
        FLOW_DO_TOKEN, FLOW_DO_CREATOR, FLOW_DO_INTENT, FLOW_DO_WAIT,      FLOW_DO_OPEN,
        FLOW_DO_INIT,  FLOW_DO_PERSIST, FLOW_DO_STATUS, FLOW_DO_PUBLISHED, FLOW_DO_END};

    goes(FLOW_BY_LOG, way, ARRAY_LEN(way));
    ck_assert_int_eq(fetched_to(FLOW_BY_LOG, FLOW_DO_WAIT).at_ms, fresh.due_ms);
    ck_assert_int_eq(fetched_to(FLOW_BY_LOG, FLOW_DO_OPEN).at_ms, fresh.due_ms);
}
END_TEST

START_TEST(a_session_by_the_gate_whose_name_was_lost_is_left_to_fail)
{
    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_INIT);
    expect(after(unclear), FLOW_DO_LATER);
}
END_TEST

START_TEST(an_opening_that_nobody_heard_of_is_read_and_if_it_was_not_made_again)
{
    struct flow_event loaded = {.what = FLOW_LOADED, .start = fresh};
    struct flow_action a;

    loaded.start.new_way = loaded.start.way = FLOW_BY_GATE;
    loaded.start.attempt_no = 1;
    loaded.start.granted_ms = T0;
    loaded.start.named = false;
    loaded.start.gate = true;
    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_OPEN);
    expect(after(unclear), FLOW_DO_RELOAD);
    a = after(loaded);
    expect(a, FLOW_DO_OPEN);
    ck_assert_int_eq(a.at_ms, fresh.due_ms);
    expect(after(ok), FLOW_DO_STATUS);

    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_OPEN);
    expect(after(unclear), FLOW_DO_RELOAD);
    loaded.start.session = FLOW_SESSION_GRANTED;
    loaded.start.named = true;
    expect(after(loaded), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_STATUS);
}
END_TEST

START_TEST(a_session_that_only_the_witness_knows_is_made_ours_and_asked_about)
{
    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_WITNESS);
    expect(after((struct flow_event){.what = FLOW_HELD}), FLOW_DO_ADOPT);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_STATUS);
    ck_assert(flow_only_polls(&flow));
    /* It is not ours to close, however long it takes, ... */
    for (int i = 0; i < 5; i++) {
        now += FLOW_PROOF_GAP_MS;
        expect(after((struct flow_event)TOLD(PROCESSING, 0, OLD)), FLOW_DO_STATUS);
    }
    /* ... but its end is TikTok's word. */
    expect(after((struct flow_event){
               .what = FLOW_TOLD, .state = TIKTOK_FAILED, .retry = true, .reason = "r"}),
           FLOW_DO_DEAD);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_INTENT);
}
END_TEST

START_TEST(so_it_is_by_a_publisher_that_would_send_the_bytes_itself)
{
    struct flow_event other = {.what = FLOW_HELD, .other = true};
    struct flow_start s = fresh;

    s.session = FLOW_SESSION_READY;
    s.attempt_no = 2;
    for (int i = 0; i < 3; i++) {
        if (i == 0) {
            (void)go_to(FLOW_DO_WITNESS);
            expect(after((struct flow_event){.what = FLOW_HELD}), FLOW_DO_ADOPT);
        } else if (i == 1) {
            expect(flow_begin(&flow, &s, fresh.give_up_ms + 1), FLOW_DO_FAIL);
            expect(after(other), FLOW_DO_ADOPT);
        } else {
            expect(flow_begin(&flow, &s, T0), FLOW_DO_TOKEN);
            expect(after(ok), FLOW_DO_STATUS);
            expect(after((struct flow_event){.what = FLOW_UNKNOWN}), FLOW_DO_DEAD);
            expect(after(other), FLOW_DO_ADOPT);
        }
        expect(after(ok), FLOW_DO_TOKEN);
        expect(after(ok), FLOW_DO_STATUS);
        ck_assert(flow_only_polls(&flow));
        /* Nothing is sent to it, however much it lacks. */
        expect(after((struct flow_event)TOLD(PROCESSING, 20000000, YOUNG)),
               FLOW_DO_STATUS);
        expect(
            after((struct flow_event){
                .what = FLOW_TOLD, .state = TIKTOK_FAILED, .retry = true, .reason = "r"}),
            FLOW_DO_DEAD);
        expect(after(ok), FLOW_DO_TOKEN);
        expect(after(ok), FLOW_DO_INTENT);
        expect(after(ok), FLOW_DO_INIT);
    }
}
END_TEST

START_TEST(what_else_holds_the_witness_is_for_a_person_to_look_at)
{
    struct flow_action a;

    (void)go_to(FLOW_DO_WITNESS);
    a = after((struct flow_event){.what = FLOW_REFUSED, .reason = "witness_conflict"});
    expect(a, FLOW_DO_REVIEW);
    ck_assert_str_eq(a.reason, "witness_conflict");
}
END_TEST

START_TEST(nor_is_a_post_missed_while_the_witness_knows_of_a_session)
{
    struct flow_start s = fresh;

    s.way = s.new_way = FLOW_BY_GATE; /* the publisher died between WITNESS and OPEN */
    s.attempt_no = 1;
    expect(flow_begin(&flow, &s, fresh.give_up_ms + 1), FLOW_DO_FAIL);
    expect(after((struct flow_event){.what = FLOW_HELD}), FLOW_DO_ADOPT);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_STATUS);
    expect(after((struct flow_event)TOLD(PUBLISHED, 1, YOUNG)), FLOW_DO_PUBLISHED);
}
END_TEST

START_TEST(what_tiktok_never_fetched_dies_with_the_closing_of_its_gate)
{
    const struct flow_event nothing = TOLD(PROCESSING, 0, OLD);
    struct flow_action a;

    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_STATUS);
    expect(after((struct flow_event)TOLD(PROCESSING, 0, YOUNG)), FLOW_DO_STATUS);
    expect(after(nothing), FLOW_DO_STATUS);
    now += FLOW_PROOF_GAP_MS;
    a = after(nothing);
    expect(a, FLOW_DO_CLOSE);
    ck_assert_str_eq(a.reason, "media_not_fetched");
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_INTENT);
}
END_TEST

START_TEST(what_was_fetched_is_waited_for_as_long_as_it_takes)
{
    const struct flow_event nothing = TOLD(PROCESSING, 0, OLD);

    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_STATUS);
    expect(after(nothing), FLOW_DO_STATUS);
    now += FLOW_PROOF_GAP_MS;
    expect(after(nothing), FLOW_DO_CLOSE);
    expect(after((struct flow_event){.what = FLOW_HELD}), FLOW_DO_STATUS);
    for (int i = 0; i < 5; i++) {
        now += FLOW_PROOF_GAP_MS;
        expect(after(nothing), FLOW_DO_STATUS);
    }
    now += FLOW_REVIEW_MS;
    expect(after(nothing), FLOW_DO_REVIEW);
}
END_TEST

START_TEST(by_log_an_init_without_an_answer_is_a_new_one_only_if_nothing_was_fetched)
{
    struct flow_action a;

    (void)fetched_to(FLOW_BY_LOG, FLOW_DO_INIT);
    expect(after(unclear), FLOW_DO_CLOSE);
    expect(after(ok), FLOW_DO_LATER);

    (void)fetched_to(FLOW_BY_LOG, FLOW_DO_INIT);
    expect(after(unclear), FLOW_DO_CLOSE);
    a = after((struct flow_event){.what = FLOW_HELD});
    expect(a, FLOW_DO_REVIEW);
    ck_assert_str_eq(a.reason, "outcome_unknown");
}
END_TEST

START_TEST(by_log_a_gate_that_a_dead_publisher_left_open_is_closed_before_anything_else)
{
    struct flow_start s = fresh;

    s.session = FLOW_SESSION_GRANTED;
    s.way = s.new_way = FLOW_BY_LOG;
    s.gate = true;
    s.named = false;
    s.granted_ms = now = T0;
    expect(flow_begin(&flow, &s, now), FLOW_DO_CLOSE);
    expect(after(ok), FLOW_DO_TOKEN);
    expect(after(ok), FLOW_DO_INTENT);
}
END_TEST

START_TEST(by_log_a_refusal_is_proof_and_ends_as_it_would_without_a_grant)
{
    const struct flow_event no = {
        .what = FLOW_REFUSED, .verdict = FLOW_VERDICT_FAIL, .reason = "post_refused"};
    const struct flow_event auth = {.what = FLOW_AUTH};
    struct flow_action a;

    (void)fetched_to(FLOW_BY_LOG, FLOW_DO_INIT);
    expect(after(no), FLOW_DO_DEAD);
    a = after(ok);
    expect(a, FLOW_DO_FAIL);
    ck_assert_str_eq(a.reason, "post_refused");

    (void)fetched_to(FLOW_BY_LOG, FLOW_DO_INIT);
    expect(after(auth), FLOW_DO_DEAD);
    a = after(ok);
    expect(a, FLOW_DO_TOKEN);
    ck_assert(a.force);
}
END_TEST

START_TEST(a_session_that_died_after_the_persons_patience_is_missed)
{
    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_STATUS);
    now = fresh.give_up_ms + 1;
    expect(after((struct flow_event){
               .what = FLOW_TOLD, .state = TIKTOK_FAILED, .retry = true, .reason = "r"}),
           FLOW_DO_DEAD);
    expect(after(ok), FLOW_DO_FAIL);
}
END_TEST

START_TEST(a_shutdown_finishes_an_opening_whose_session_holds_the_witness)
{
    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_WAIT);
    expect(flow_stop(&flow), FLOW_DO_RELEASE);
    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_OPEN);
    expect(flow_stop(&flow), FLOW_DO_OPEN);
    (void)fetched_to(FLOW_BY_GATE, FLOW_DO_STATUS);
    expect(flow_stop(&flow), FLOW_DO_HANDOVER);
}
END_TEST

UNIT_MAIN("publisher_flow", no_sequence_of_events_publishes_twice_or_without_a_grant,
          nor_does_one_of_what_tiktok_fetches_through_the_gate,
          nor_one_of_what_it_fetches_before_the_session_is_known,
          a_video_goes_the_whole_way_in_order, the_last_chunk_waits_for_its_second,
          a_lost_answer_to_init_waits_and_then_makes_a_new_session,
          a_lost_answer_to_the_last_chunk_is_cleared_up_by_asking,
          a_granted_session_dies_only_by_two_incomplete_answers_a_minute_apart,
          a_session_that_has_every_byte_never_dies_by_age,
          an_answer_that_all_is_stored_is_not_believed_against_tiktoks_count,
          bytes_that_stay_missing_are_offered_a_few_times_and_prove_nothing,
          after_72_hours_without_a_verdict_a_person_must_look,
          a_commit_of_the_grant_that_nobody_heard_of_is_read_before_anything_is_sent,
          a_write_that_can_never_work_ends_in_review_and_is_not_tried_for_ever,
          a_second_refusal_of_the_token_asks_the_person_to_reconnect,
          a_post_that_is_too_late_is_missed_and_not_published,
          what_holds_the_witness_is_granted_again_before_it_is_given_up,
          a_granted_post_is_followed_up_however_late_it_is,
          an_interrupted_upload_goes_on_where_tiktok_says,
          tiktoks_failure_is_final_or_tried_again_as_its_reason_says,
          a_limit_puts_the_post_off_and_is_no_failure_however_late_it_gets,
          a_limit_whose_end_was_not_written_is_written_again_as_one,
          waits_grow_to_five_minutes_and_honour_what_was_asked,
          while_everybody_waits_for_tiktok_nobody_waits_for_long,
          only_sessions_that_tiktok_opened_use_up_a_post,
          a_granted_post_asks_a_silent_tiktok_more_and_more_seldom_though_often,
          a_shutdown_gives_back_what_waits_and_finishes_what_is_committed,
          by_the_gate_the_session_and_its_grant_are_one_write_at_the_due_time,
          by_log_the_gate_is_open_before_tiktok_is_asked_to_fetch,
          a_session_by_the_gate_whose_name_was_lost_is_left_to_fail,
          an_opening_that_nobody_heard_of_is_read_and_if_it_was_not_made_again,
          a_session_that_only_the_witness_knows_is_made_ours_and_asked_about,
          so_it_is_by_a_publisher_that_would_send_the_bytes_itself,
          what_else_holds_the_witness_is_for_a_person_to_look_at,
          nor_is_a_post_missed_while_the_witness_knows_of_a_session,
          what_tiktok_never_fetched_dies_with_the_closing_of_its_gate,
          what_was_fetched_is_waited_for_as_long_as_it_takes,
          by_log_an_init_without_an_answer_is_a_new_one_only_if_nothing_was_fetched,
          by_log_a_gate_that_a_dead_publisher_left_open_is_closed_before_anything_else,
          by_log_a_refusal_is_proof_and_ends_as_it_would_without_a_grant,
          a_session_that_died_after_the_persons_patience_is_missed,
          a_shutdown_finishes_an_opening_whose_session_holds_the_witness)
