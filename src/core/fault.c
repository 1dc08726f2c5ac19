#include "core/fault.h"

#include "core/log.h"
#include "core/parse.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RULES_MAX = 48, NAME_MAX_LEN = 63 };

struct rule {
    char after[NAME_MAX_LEN + 1]; /* counts only where this thread passed it last; "" */
    char name[NAME_MAX_LEN + 1];
    char action[8]; /* crash, stop, error */
    int64_t at;     /* the passage that counts, from 1 */
    int64_t passed;
};

static struct rule rules[RULES_MAX];
static size_t rules_len;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local const char *last = ""; /* of the points that are not the store's */

static bool copy_part(char *out, size_t size, const char *p, size_t len)
{
    if (len == 0 || len >= size)
        return false;
    (void)memcpy(out, p, len);
    out[len] = '\0';
    return true;
}

/* "[after>]name[@n]:action" */
static bool parse_rule(const char *p, size_t len, struct rule *rule)
{
    const char *colon = memchr(p, ':', len);
    const char *at, *arrow;
    size_t name_len;

    if (colon == NULL)
        return false;
    *rule = (struct rule){.at = 1};
    arrow = memchr(p, '>', (size_t)(colon - p));
    if (arrow != NULL &&
        !copy_part(rule->after, sizeof(rule->after), p, (size_t)(arrow - p)))
        return false;
    len -= arrow != NULL ? (size_t)(arrow + 1 - p) : 0;
    p = arrow != NULL ? arrow + 1 : p;
    at = memchr(p, '@', (size_t)(colon - p));
    name_len = (size_t)((at != NULL ? at : colon) - p);
    if (at != NULL &&
        !parse_i64_slice(at + 1, (size_t)(colon - at - 1), 1, INT64_MAX, &rule->at))
        return false;
    return copy_part(rule->name, sizeof(rule->name), p, name_len) &&
           copy_part(rule->action, sizeof(rule->action), colon + 1,
                     len - (size_t)(colon + 1 - p));
}

static void read_rules(void)
{
    const char *p = getenv("TTS_FAULT");

    while (p != NULL && *p != '\0' && rules_len < RULES_MAX) {
        size_t len = strcspn(p, ",");

        if (parse_rule(p, len, &rules[rules_len]))
            rules_len++;
        p += p[len] == ',' ? len + 1 : len;
    }
}

void fault_reload(void)
{
    (void)pthread_once(&once, read_rules);
    (void)pthread_mutex_lock(&lock);
    rules_len = 0;
    read_rules();
    (void)pthread_mutex_unlock(&lock);
}

static bool apply(const struct rule *rule)
{
    log_warn("fault.injected", "point=%s action=%s after=%s", rule->name, rule->action,
             last);
    if (strcmp(rule->action, "crash") == 0)
        (void)kill(getpid(), SIGKILL);
    if (strcmp(rule->action, "stop") == 0)
        (void)kill(getpid(), SIGSTOP);
    return strcmp(rule->action, "error") == 0;
}

static bool counts(const struct rule *rule, const char *name)
{
    return strcmp(rule->name, name) == 0 &&
           (rule->after[0] == '\0' || strcmp(rule->after, last) == 0);
}

bool fault_pass(const char *name)
{
    const struct rule *hit = NULL;

    (void)pthread_once(&once, read_rules);
    if (rules_len == 0)
        return false;
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < rules_len && hit == NULL; i++) {
        if (counts(&rules[i], name) && ++rules[i].passed == rules[i].at)
            hit = &rules[i];
    }
    (void)pthread_mutex_unlock(&lock);
    if (strncmp(name, "db.", 3) != 0)
        last = name;
    return hit != NULL && apply(hit);
}
