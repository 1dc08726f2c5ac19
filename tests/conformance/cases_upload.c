/* Chunks: what TikTok's upload hosts may answer, and what is sent next. */
#include "conformance.h"

#include <stdio.h>

/* Two chunks of five million bytes: TikTok's smallest. */
#define TWO     "knob {'check_media':0}; size 10000000; chunk_size 5000000; session"
#define ONE     "knob {'check_media':0}; session"
#define STEP(s) "{'@step':'" s "'}"

static const struct a_case cases[] = {
    {"upload / the only chunk", "upload", ONE, 201, "ok", "201", NULL, STEP("done 0"),
     "publications 1"},
    {"upload / the first of two", "upload", TWO, 206, "ok", "206", NULL, STEP("next 1"),
     "row received 5000000; publications 0"},
    {"upload / the last of two", "upload", TWO "; send 1", 201, "ok", "201", NULL,
     STEP("done 0"), "row received 10000000; publications 1"},
    {"upload / a last one with the remainder", "upload",
     "knob {'check_media':0}; size 10000001; chunk_size 5000000; session; send 1", 201,
     "ok", "201", NULL, STEP("done 0"), "row received 10000001"},
    {"upload / to an address below /video/", "upload", "knob {'upload_path':1}; " ONE,
     201, "ok", "201", NULL, STEP("done 0"), "publications 1"},
    {"upload / as QuickTime", "upload", ONE "; type video/quicktime", 201, "ok", "201",
     NULL, STEP("done 0"), NULL},
    {"upload / as WebM", "upload", ONE "; type video/webm", 201, "ok", "201", NULL,
     STEP("done 0"), NULL},
    {"upload / 200 to the first", "upload",
     TWO "; fault {'endpoint':'upload','status':200,'after':true}", 200, "ok", "200",
     NULL, STEP("next 1"), "row received 5000000"},
    {"upload / 200 to the last", "upload",
     ONE "; fault {'endpoint':'upload','status':200,'after':true}", 200, "ok", "200",
     NULL, STEP("done 0"), "publications 1"},
    {"upload / 206 to the last", "upload",
     ONE "; fault {'endpoint':'upload','status':206,'after':true}", 206, "ok", "206",
     NULL, STEP("done 0"), "publications 1"},
    {"upload / 201 to the first", "upload",
     TWO "; fault {'endpoint':'upload','status':201,'after':true}", 201, "ok", "201",
     NULL, STEP("next 1"), "row received 5000000"},
    {"upload / a page beside 206", "upload",
     TWO "; fault {'endpoint':'upload','status':206,'body':'html','after':true}", 206,
     "ok", "206", NULL, STEP("next 1"), NULL},

    /* --- our request is wrong ----------------------------------------------------------
     */
    {"upload / no video by its type", "upload", ONE "; type text/plain", 400, "never",
     "400", "upload_refused", STEP("refused 0"), "publications 0"},
    {"upload / another total", "upload", ONE "; body bytes 0-999/1001", 400, "never",
     "400", "upload_refused", STEP("refused 0"), NULL},
    {"upload / a range of another length", "upload", ONE "; body bytes 0-998/1000", 400,
     "never", "400", "upload_refused", STEP("refused 0"), NULL},
    {"upload / no range", "upload", ONE "; body pages 1-2/3", 400, "never", "400",
     "upload_refused", STEP("refused 0"), NULL},
    {"upload / 413", "upload", ONE "; fault {'endpoint':'upload','status':413}", 413,
     "never", "413", "upload_refused", STEP("refused 0"), NULL},
    {"upload / a redirect", "upload", ONE "; fault {'endpoint':'upload','status':302}",
     302, "never", "302", "upload_refused", STEP("refused 0"), NULL},

    /* --- the address is dead -----------------------------------------------------------
     */
    {"upload / after its hour", "upload", ONE "; clock 3600000", 403, "retry", "403",
     "upload_expired", STEP("expired 0"), "publications 0"},
    {"upload / shortly before its hour", "upload", ONE "; clock 3590000", 201, "ok",
     "201", NULL, STEP("done 0"), NULL},
    {"upload / after an hour in the middle", "upload", TWO "; send 1; clock 3600000", 403,
     "retry", "403", "upload_expired", STEP("expired 0"), "row received 5000000"},
    {"upload / after a cancellation", "upload", ONE "; do cancel", 404, "retry", "404",
     "upload_expired", STEP("expired 0"), NULL},
    {"upload / an address that is not there", "upload",
     ONE "; path $url/upload?upload_id=1&upload_token=x", 404, "retry", "404",
     "upload_expired", STEP("expired 0"), NULL},
    {"upload / the same as a page with 405", "upload",
     "knob {'unknown_upload_status':405}; " ONE
     "; path $url/upload?upload_id=1&upload_token=x",
     405, "retry", "405", "upload_expired", STEP("expired 0"), NULL},
    {"upload / 410", "upload", ONE "; fault {'endpoint':'upload','status':410}", 410,
     "retry", "410", "upload_expired", STEP("expired 0"), NULL},
    {"upload / when the access token has expired", "upload",
     "knob {'access_ttl_s':60}; " ONE "; clock 120000", 201, "ok", "201", NULL,
     STEP("done 0"), "publications 1"},

    /* --- out of step -------------------------------------------------------------------
     */
    {"upload / the second first", "upload", TWO "; chunk 1", 416, "retry", "416",
     "upload_out_of_step", STEP("ask 0"), "row received 0"},
    {"upload / the first again, told by its last byte", "upload", TWO "; send 1; chunk 0",
     416, "retry", "416", "upload_out_of_step", STEP("skip 1"), "row received 5000000"},
    {"upload / the first again, told by a count", "upload",
     "knob {'progress_as_count':1}; " TWO "; send 1; chunk 0", 416, "retry", "416",
     "upload_out_of_step", STEP("skip 1"), NULL},
    {"upload / the first again, taken", "upload",
     "knob {'repeated_chunk_status':206}; " TWO "; send 1; chunk 0", 206, "ok", "206",
     NULL, STEP("next 1"), "row received 5000000"},
    {"upload / the last again, told by its last byte", "upload", TWO "; send", 416,
     "retry", "416", "upload_out_of_step", STEP("done 0"), "publications 1"},
    {"upload / the last again, told by a count", "upload",
     "knob {'progress_as_count':1}; " TWO "; send", 416, "retry", "416",
     "upload_out_of_step", STEP("done 0"), "publications 1"},
    {"upload / the last again, taken", "upload",
     "knob {'repeated_chunk_status':206}; " TWO "; send", 201, "ok", "201", NULL,
     STEP("done 0"), "publications 1"},
    {"upload / 416 that says nothing", "upload",
     TWO "; fault {'endpoint':'upload','status':416}", 416, "retry", "416",
     "upload_out_of_step", STEP("ask 0"), NULL},

    /* --- troubles ----------------------------------------------------------------------
     */
    {"upload / 429", "upload", TWO "; fault {'endpoint':'upload','status':429}", 429,
     "retry", "429", "tiktok_rate_limited", STEP("again 0"), "row received 0"},
    {"upload / 408", "upload", TWO "; fault {'endpoint':'upload','status':408}", 408,
     "retry", "408", "tiktok_unavailable", STEP("again 0"), NULL},
    {"upload / 500", "upload", TWO "; fault {'endpoint':'upload','status':500}", 500,
     "retry", "500", "tiktok_unavailable", STEP("again 0"), "row received 0"},
    {"upload / 502 as a page", "upload",
     TWO "; fault {'endpoint':'upload','body':'html'}", 502, "retry", "502",
     "tiktok_unavailable", STEP("again 0"), "row received 0"},
    {"upload / 503 after the chunk was stored", "upload",
     TWO "; fault {'endpoint':'upload','status':503,'after':true}", 503, "retry", "503",
     "tiktok_unavailable", STEP("again 0"), "row received 5000000"},
    {"upload / 504 after the last was stored", "upload",
     ONE "; fault {'endpoint':'upload','status':504,'after':true}", 504, "retry", "504",
     "tiktok_unavailable", STEP("again 0"), "publications 1"},
    {"upload / 500 at the second", "upload",
     TWO "; fault {'endpoint':'upload','chunk':1,'status':500}; send 1", 500, "retry",
     "500", "tiktok_unavailable", STEP("again 1"), "row received 5000000"},
    {"upload / cut in the midst of a chunk", "upload",
     TWO "; fault {'endpoint':'upload','take_bytes':1000000}", 0, "unknown", "",
     "tiktok_unavailable", NULL, "row received 0"},
    {"upload / a connection that ends", "upload",
     TWO "; fault {'endpoint':'upload','drop':true}", 0, "unknown", "",
     "tiktok_unavailable", NULL, "row received 0"},
    {"upload / a lost answer to the first", "upload",
     TWO "; fault {'endpoint':'upload','lost':true}", 0, "unknown", "",
     "tiktok_unavailable", NULL, "row received 5000000"},
    {"upload / a lost answer to the last", "upload",
     ONE "; fault {'endpoint':'upload','lost':true}", 0, "unknown", "",
     "tiktok_unavailable", NULL, "publications 1"},
    {"upload / an answer that does not come", "upload",
     ONE "; timeout 800; fault {'endpoint':'upload','hang_ms':20000}", 0, "unknown", "",
     "tiktok_unavailable", NULL, "publications 1"},
};

void cases_upload(run_fn run, void *ctx)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        run(ctx, &cases[i]);
}
