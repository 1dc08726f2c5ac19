#include "tokens.h"

#include "../nap.h"
#include "again.h"
#include "core/fault.h"
#include "core/log.h"
#include "core/meter.h"
#include "core/text.h"
#include "crypto/seal.h"
#include "journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { BODY_LIMIT = 16384, URL_LIMIT = 2048 };

static struct seal_place place(const char *column, uint64_t account_id,
                               uint64_t workspace_id)
{
    return (struct seal_place){.purpose = "tiktok-token",
                               .table = "account_token",
                               .column = column,
                               .row = account_id,
                               .workspace = workspace_id};
}

static enum rc seal_one(const struct publisher *p, const struct seal_place *at,
                        const char *token, struct token_blob *blob, struct err *err)
{
    struct strbuf sb;
    enum rc rc;

    strbuf_init(&sb, TOKEN_BLOB_MAX);
    rc = seal_close(p->ring, at, token, strlen(token), &sb, err);
    if (rc == RC_OK) {
        (void)memcpy(blob->data, sb.buf, sb.len);
        blob->len = sb.len;
    }
    strbuf_release(&sb);
    return rc;
}

enum rc tokens_seal(const struct publisher *p, uint64_t workspace_id, uint64_t account_id,
                    const struct tiktok_tokens *tokens, struct token_pair *pair,
                    struct err *err)
{
    struct seal_place access = place("access_tok", account_id, workspace_id);
    struct seal_place refresh = place("refresh_tok", account_id, workspace_id);
    int64_t life = tokens->expires_in_s * 1000;
    enum rc rc;

    *pair = (struct token_pair){
        .access_life_ms = life,
        .refresh_life_ms = tokens->refresh_expires_in_s * 1000,
        /* At 70 % of its life, 5 % sooner or later so that accounts spread. */
        .refresh_at_ms = life / 100 * (65 + (int64_t)publisher_jitter() / 100),
        .scopes = tokens->scopes,
    };
    rc = seal_one(p, &access, tokens->access_token, &pair->access, err);
    if (rc == RC_OK && tokens->refresh_token[0] != '\0')
        rc = seal_one(p, &refresh, tokens->refresh_token, &pair->refresh, err);
    return rc;
}

enum rc tokens_open(const struct publisher *p, const struct account_token *row,
                    const char *column, char *out, struct err *err)
{
    struct seal_place at = place(column, row->account_id, row->workspace_id);
    const struct token_blob *blob =
        strcmp(column, "access_tok") == 0 ? &row->access : &row->refresh;
    struct strbuf plain;
    enum rc rc;

    strbuf_init(&plain, TIKTOK_TOKEN_MAX);
    rc = seal_open(p->ring, &at, blob->data, blob->len, &plain, err);
    if (rc == RC_OK)
        (void)memcpy(out, plain.buf, plain.len + 1);
    strbuf_wipe(&plain);
    return rc;
}

bool tokens_stale(const struct account_token *row, unsigned used)
{
    if (row->lasting) /* there is no other */
        return row->version == used;
    return row->access_exp_ms - row->now_ms < TOKENS_FRESH_MS || row->version == used;
}

enum rc tokens_usable(enum rc rc, const struct account_token *row, struct err *err)
{
    if (rc == RC_NOT_FOUND ||
        (rc == RC_OK && row->status != ACCOUNT_CONNECTED && !row->lasting))
        return err_set(err, RC_DENIED, "reconnect_needed",
                       "The account is not connected; connect it again.");
    return rc;
}

enum rc tokens_call(const struct publisher *p, const struct token_call *c,
                    struct http_response *out, struct err *err)
{
    char content_type[96], authorization[TIKTOK_TOKEN_MAX + 32];
    const char *headers[3] = {NULL};
    size_t n = 0;
    struct strbuf url;
    struct http_request req = {.method = c->body != NULL ? "POST" : "GET",
                               .headers = headers,
                               .body = c->body != NULL ? c->body->buf : NULL,
                               .body_len = c->body != NULL ? c->body->len : 0,
                               .max_response = TIKTOK_ANSWER_MAX,
                               .timeout_ms = TOKENS_TIMEOUT_MS,
                               .sent = c->sent,
                               .once = c->body != NULL};
    enum rc rc;

    if (c->type != NULL) {
        (void)snprintf(content_type, sizeof(content_type), "Content-Type: %s", c->type);
        headers[n++] = content_type;
    }
    if (c->token != NULL) {
        (void)snprintf(authorization, sizeof(authorization), "Authorization: Bearer %s",
                       c->token);
        headers[n] = authorization;
    }
    strbuf_init(&url, URL_LIMIT);
    strbuf_addf(&url, "%s%s", p->settings->api_url, c->path);
    req.url = url.buf;
    rc = call(p->calls, &req, out, err);
    strbuf_release(&url);
    explicit_bzero(authorization, sizeof(authorization));
    return rc;
}

/* --- refresh --------------------------------------------------------------------- */

/* One request to the token endpoint. */
static enum rc ask(const struct publisher *p, const char *refresh_token,
                   struct tiktok_tokens *tokens, struct tiktok_reply *reply,
                   struct err *err)
{
    struct strbuf body;
    const struct token_call c = {.path = TIKTOK_PATH_TOKEN,
                                 .type = TIKTOK_FORM_TYPE,
                                 .body = &body,
                                 .sent = FAULT_NAME("tok.after_send")};
    struct http_response res;
    enum rc rc;

    *reply = (struct tiktok_reply){0};
    strbuf_init(&body, BODY_LIMIT);
    tiktok_refresh_body(&p->settings->app, refresh_token, &body);
    rc = tokens_call(p, &c, &res, err);
    if (rc == RC_OK) {
        struct tiktok_answer answer = call_answer(&res);

        rc = tiktok_tokens_parse(TIKTOK_IN_REFRESH, &answer, reply, tokens, err);
        strbuf_wipe(&res.body);
    }
    strbuf_wipe(&body);
    return rc;
}

/* True when trying again may still store the pair. */
static bool worth_trying(const struct publisher *p, enum rc rc)
{
    return (rc == RC_UNAVAILABLE || rc == RC_UNCERTAIN) && calls_open(p->calls);
}

/* Stores a pair that exists nowhere else, for as long as it takes; what is not stored
 * when the process ends is in the journal. */
static enum rc keep(const struct publisher *p, const struct pool_kit *kit,
                    const struct account_token *row, const struct tiktok_tokens *tokens,
                    struct err *err)
{
    struct token_pair pair;
    enum rc rc = tokens_seal(p, row->workspace_id, row->account_id, tokens, &pair, err);

    if (rc != RC_OK)
        return rc;
    if (journal_add(p->journal, row->account_id, row->version, &pair, err) != RC_OK)
        log_failure("tokens.journal_failed", err);
    FAULT_POINT("tok.after_journal");
    rc = account_token_rotate(kit->db, row->account_id, row->version, &pair, err);
    if (rc != RC_OK && rc != RC_CONFLICT)
        log_failure("tokens.not_stored", err);
    while (worth_trying(p, rc)) {
        nap(TOKENS_STORE_MS);
        rc = account_token_rotate(kit->db, row->account_id, row->version, &pair, err);
    }
    if (rc == RC_OK || rc == RC_CONFLICT)
        journal_done(p->journal);
    FAULT_POINT("tok.after_commit");
    explicit_bzero(&pair, sizeof(pair));
    return rc == RC_CONFLICT ? RC_OK : rc;
}

/* Nothing was gained; says when to try again, and whose fault it is. */
static enum rc give_up(const struct pool_kit *kit, const struct token_want *want,
                       enum rc rc, int64_t again_ms, struct err *err)
{
    struct err ignored;

    if (account_token_unclaim(kit->db, want->account_id, want->inc, again_ms, &ignored) !=
        RC_OK)
        log_failure("tokens.unclaim_failed", &ignored);
    if (rc == RC_REJECTED) /* our own credentials are at fault; the account is innocent */
        return err_set(err, RC_REJECTED, "client_invalid",
                       "TikTok refuses this app's client key or secret.");
    return err_retry(err, RC_UNAVAILABLE, again_ms, "tiktok_unavailable",
                     "TikTok does not answer.");
}

static enum rc only_a_person_helps(struct err *err)
{
    return err_set(
        err, RC_DENIED, "reconnect_needed",
        "TikTok no longer accepts this connection; connect the account again.");
}

/* TikTok says that the refresh token is dead. Unless somebody rotated it meanwhile, only
 * the person can help; the access token lasts unless it was refused, too. */
static enum rc bury(const struct pool_kit *kit, const struct token_want *want,
                    const struct account_token *row, struct err *err)
{
    enum token_end how = want->refused ? TOKEN_REFUSED : TOKEN_NOT_RENEWED;
    enum rc rc = account_token_dead(kit->db, row->account_id, row->version, how, err);

    if (rc == RC_CONFLICT)
        return RC_OK;
    if (rc != RC_OK)
        return rc;
    meter_add(METER_TOKEN_REAUTH, row->lasting ? 0 : 1);
    log_warn("tokens.reconnect_needed", "account=%" PRIu64 " access_ms=%" PRId64,
             row->account_id,
             how == TOKEN_REFUSED ? 0 : row->access_exp_ms - row->now_ms);
    return only_a_person_helps(err);
}

static void log_refresh(const struct account_token *row, enum rc rc,
                        const struct tiktok_reply *reply, const struct err *err)
{
    log_event(rc == RC_OK ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "tokens.refresh",
              "account=%" PRIu64 " version=%u class=%s code=%s tiktok=%s log_id=%s",
              row->account_id, row->version, rc_name(rc), rc == RC_OK ? "" : err->code,
              reply->code, reply->log_id);
}

/* Waits, but not for what a process that shuts down could not use any more. */
static void rest(const struct publisher *p, int64_t ms)
{
    for (; ms > 0 && calls_open(p->calls); ms -= TOKENS_STORE_MS)
        nap(ms < TOKENS_STORE_MS ? ms : TOKENS_STORE_MS);
}

/* True when somebody has stored a newer pair than row's. */
static bool has_moved(const struct pool_kit *kit, const struct account_token *row)
{
    struct account_token now = {0};
    struct err err;
    bool moved = account_token_load(kit->db, row->account_id, &now, &err) == RC_OK &&
                 now.version != row->version;

    explicit_bzero(&now, sizeof(now));
    return moved;
}

/* A request under a claim, and what came of it. */
struct asking {
    struct again again;
    struct again_step step; /* after a request that gave no tokens */
    bool moved;             /* another process's answer came meanwhile */
    struct tiktok_reply reply;
    struct tiktok_tokens tokens;
};

/* Asks until there are tokens, or nothing more can be done under this claim. */
static enum rc ask_again(const struct publisher *p, const struct pool_kit *kit,
                         const struct account_token *row, const char *token,
                         struct asking *a, struct err *err)
{
    int64_t end_ms = publisher_mono_ms() + TOKEN_REFRESH_LEASE_MS;
    enum rc rc;

    for (;;) {
        rc = ask(p, token, &a->tokens, &a->reply, err);
        log_refresh(row, rc, &a->reply, err);
        if (rc == RC_OK)
            return rc;
        meter_add(METER_TOKEN_LOST, rc == RC_UNCERTAIN ? 1 : 0);
        a->step = again_next(&a->again, rc, end_ms - publisher_mono_ms());
        a->moved = rc == RC_DENIED && has_moved(kit, row);
        if (a->moved || a->step.what != AGAIN_ASK)
            return rc;
        rest(p, a->step.wait_ms);
        a->moved = rc == RC_DENIED && has_moved(kit, row);
        if (a->moved)
            return rc;
    }
}

/* With the claim in hand: ask, then store, bury or leave it for later. */
static enum rc refresh_claimed(const struct publisher *p, const struct pool_kit *kit,
                               const struct token_want *want,
                               const struct account_token *row, struct err *err)
{
    char token[TIKTOK_TOKEN_MAX + 1];
    struct asking a = {.again = again_begin(row->fails)};
    enum rc rc = tokens_open(p, row, "refresh_tok", token, err);

    if (rc != RC_OK) {
        log_failure("tokens.unreadable", err);
        (void)give_up(kit, want, RC_UNAVAILABLE, TOKENS_AGAIN_MS, err);
        return err_retry(err, RC_UNAVAILABLE, TOKENS_AGAIN_MS, "token_unreadable",
                         "The stored token was sealed under another token key.");
    }
    FAULT_POINT("tok.after_claim");
    rc = ask_again(p, kit, row, token, &a, err);
    FAULT_POINT("tok.after_recv");
    explicit_bzero(token, sizeof(token));
    if (rc != RC_OK && want->log_id != NULL)
        text_copy(want->log_id, sizeof(a.reply.log_id), a.reply.log_id);
    if (rc == RC_OK)
        rc = keep(p, kit, row, &a.tokens, err);
    else if (a.moved)
        rc = RC_OK;
    else if (a.step.what == AGAIN_DEAD)
        rc = bury(kit, want, row, err);
    else
        rc = give_up(kit, want, rc, a.step.wait_ms, err);
    tiktok_tokens_wipe(&a.tokens);
    return rc;
}

/* TikTok refreshes it no more, but the access token lasts, unless it was refused now. */
static enum rc no_more(const struct pool_kit *kit, const struct token_want *want,
                       const struct account_token *row, struct err *err)
{
    return want->refused ? bury(kit, want, row, err) : only_a_person_helps(err);
}

enum rc tokens_refresh(const struct publisher *p, const struct pool_kit *kit,
                       const struct token_want *want, struct err *err)
{
    struct account_token row = {0};
    enum rc rc = account_token_load(kit->db, want->account_id, &row, err);

    rc = tokens_usable(rc, &row, err);
    if (rc != RC_OK || (want->version != 0 && row.version != want->version))
        goto out;
    if (row.lasting) {
        rc = no_more(kit, want, &row, err);
        goto out;
    }
    rc = account_token_claim(kit->db, want->account_id, row.version, want->inc, err);
    if (rc == RC_CONFLICT)
        rc = err_retry(err, RC_UNAVAILABLE, TOKENS_RETRY_MS, "refresh_under_way",
                       "Another process refreshes this account's tokens.");
    if (rc == RC_OK)
        rc = refresh_claimed(p, kit, want, &row, err);
out:
    explicit_bzero(&row, sizeof(row));
    return rc;
}

enum rc tokens_get(const struct publisher *p, const struct pool_kit *kit,
                   const struct token_want *want, struct token *out, struct err *err)
{
    struct account_token row = {0};
    enum rc rc = account_token_load(kit->db, want->account_id, &row, err);

    rc = tokens_usable(rc, &row, err);
    if (rc == RC_OK && tokens_stale(&row, want->version)) {
        const struct token_want newer = {want->account_id, row.version,
                                         row.version == want->version, want->inc,
                                         want->log_id};

        rc = tokens_refresh(p, kit, &newer, err);
        if (rc == RC_OK || rc == RC_DENIED)
            rc = account_token_load(kit->db, want->account_id, &row, err);
        rc = tokens_usable(rc, &row, err);
    }
    if (rc == RC_OK)
        rc = tokens_open(p, &row, "access_tok", out->text, err);
    if (rc == RC_OK) {
        (void)memcpy(out->scopes, row.scopes, sizeof(out->scopes));
        out->version = row.version;
        out->workspace_id = row.workspace_id;
    }
    explicit_bzero(&row, sizeof(row));
    return rc;
}

enum rc tokens_restore(void *ctx, uint64_t account_id, unsigned version,
                       const struct token_pair *pair, struct err *err)
{
    return account_token_rotate((struct db *)ctx, account_id, version, pair, err);
}
