#include "reel.h"

#include "html.h"
#include "pulls.h"

#include <inttypes.h>

enum { DOTS_MAX = 12 }; /* more cannot be told apart: the counter is enough */

struct reel {
    struct exchange *x;
    const struct publication *p;
    int64_t written;
};

static void add_slide(void *ctx, const struct pull *pull)
{
    struct reel *reel = ctx;
    struct exchange *x = reel->x;
    const char *size = pull->item == 0 ? "" : " loading=\"lazy\"";

    if (pull->file[0] == '\0')
        return;
    reel->written++;
    html_add(x,
             "<figure class=\"slide\"><img src=\"/media/%s\" width=\"%" PRId64
             "\" height=\"%" PRId64 "\"%s alt=\"Picture %" PRId64 " of %" PRId64 "\">",
             pull->file, pull->look.width, pull->look.height, size, pull->item + 1,
             reel->p->photos);
    if (reel->p->photos > 1 && pull->item == reel->p->cover_index)
        html_add(x, "<figcaption>Cover</figcaption>");
    html_add(x, "</figure>");
}

static void add_controls(struct exchange *x, int64_t n)
{
    html_add(
        x,
        "<button type=\"button\" class=\"leaf back\" aria-label=\"Previous picture\">"
        "<svg aria-hidden=\"true\" viewBox=\"0 0 24 24\"><path d=\"M15 5l-7 7 7 7\"/>"
        "</svg></button>"
        "<button type=\"button\" class=\"leaf on\" aria-label=\"Next picture\">"
        "<svg aria-hidden=\"true\" viewBox=\"0 0 24 24\"><path d=\"M9 5l7 7-7 7\"/>"
        "</svg></button>"
        "<p class=\"count\" role=\"status\">1/%" PRId64 "</p>",
        n);
    if (n > DOTS_MAX)
        return;
    html_add(x, "<p class=\"dots\" aria-hidden=\"true\">");
    for (int64_t i = 0; i < n; i++)
        html_add(x, "<span%s></span>", i == 0 ? " class=\"here\"" : "");
    html_add(x, "</p>");
}

enum rc reel_add(struct exchange *x, const struct publication *p,
                 const struct person *person, struct err *err)
{
    struct reel reel = {.x = x, .p = p};
    bool many = p->photos > 1;
    enum rc rc;

    html_add(x,
             "<section class=\"reel\"%s aria-label=\"%" PRId64 " picture%s of %s\">"
             "<div class=\"slides\"%s>",
             many ? " aria-roledescription=\"carousel\"" : "", p->photos, many ? "s" : "",
             person->username,
             many ? " tabindex=\"0\" role=\"group\" aria-label=\"Pictures, to be leafed"
                    " through with the arrow keys\""
                  : "");
    rc = pulls_each(x->sql, p->id, add_slide, &reel, err);
    if (reel.written == 0)
        html_add(x, "<div class=\"film none\"><p>The bytes of these pictures were counted"
                    " and not kept.</p></div>");
    html_add(x, "</div>");
    if (reel.written > 1) {
        add_controls(x, reel.written);
        x->script = "/sandbox/reel.js";
    }
    html_add(x, "</section>");
    return rc;
}

/* clang-format off */
const char *const reel_script =
"'use strict';\n"
"// Buttons, dots and the counter of photo posts; without this the pictures scroll.\n"
"for (const reel of document.querySelectorAll('.reel')) {\n"
"  const slides = reel.querySelector('.slides');\n"
"  const back = reel.querySelector('.leaf.back');\n"
"  const on = reel.querySelector('.leaf.on');\n"
"  if (!back) continue;\n"
"  const count = reel.querySelector('.count');\n"
"  const dots = [...reel.querySelectorAll('.dots span')];\n"
"  const last = slides.children.length - 1;\n"
"  let shown = -1;\n"
"  const show = (i) => {\n"
"    if (i === shown) return;\n"
"    shown = i;\n"
"    count.textContent = `${i + 1}/${last + 1}`;\n"
"    back.setAttribute('aria-disabled', String(i === 0));\n"
"    on.setAttribute('aria-disabled', String(i === last));\n"
"    dots.forEach((dot, k) => dot.classList.toggle('here', k === i));\n"
"  };\n"
"  const here = () => Math.round(slides.scrollLeft / slides.clientWidth);\n"
"  const go = (i) => {\n"
"    const to = Math.min(Math.max(i, 0), last);\n"
"    slides.scrollTo({ left: to * slides.clientWidth });\n"
"    show(to);\n"
"  };\n"
"  back.addEventListener('click', () => go(shown - 1));\n"
"  on.addEventListener('click', () => go(shown + 1));\n"
"  slides.addEventListener('scrollend', () => show(here()));\n"
"  slides.addEventListener('keydown', (event) => {\n"
"    const to = { ArrowLeft: shown - 1, ArrowRight: shown + 1, Home: 0, End: last }[event.key];\n"
"    if (to === undefined) return;\n"
"    event.preventDefault();\n"
"    go(to);\n"
"  });\n"
"  reel.classList.add('live');\n"
"  show(0);\n"
"}\n";
