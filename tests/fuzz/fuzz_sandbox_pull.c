/* Which addresses TikTok may fetch from: a line with what is verified, then an address.
 * What counts as covered is so by a plain reading of both. */
#include "core/xalloc.h"
#include "sandbox/pull_rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* True when the address begins with an entry that is the beginning of one. */
static bool begins(const char *list, const char *url)
{
    for (size_t len = strcspn(list, ","); len > 0; len = strcspn(list, ",")) {
        char *entry = xmemdupz(list, len);
        bool fits = strstr(entry, "://") != NULL && strncmp(url, entry, len) == 0;

        free(entry);
        if (fits)
            return true;
        list += len + (list[len] == ',' ? 1 : 0);
    }
    return false;
}

/* True when the address's host ends with an entry that is a domain. */
static bool ends(const char *list, const char *url)
{
    const char *host = strstr(url, "://");
    size_t host_len = host != NULL ? strcspn(host + 3, ":/?") : 0;

    for (size_t len = strcspn(list, ","); len > 0; len = strcspn(list, ",")) {
        if (host != NULL && len <= host_len &&
            strncasecmp(host + 3 + host_len - len, list, len) == 0 &&
            (len == host_len || host[3 + host_len - len - 1] == '.'))
            return true;
        list += len + (list[len] == ',' ? 1 : 0);
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xmemdupz(data, size);
    char *url = text;
    char *list = strsep(&url, "\n");

    if (url != NULL && pull_url_usable(url) && properties_problem(list) == NULL) {
        enum cover cover = properties_cover(list, url);

        assert(strlen(url) < PULL_URL_SIZE && strpbrk(url, " \t\r\n\\") == NULL);
        assert((cover == COVER_PREFIX) == begins(list, url));
        if (cover == COVER_DOMAIN)
            assert(strncasecmp(url, "https://", 8) == 0 && ends(list, url));
    }
    free(text);
    return 0;
}
