#include "core/rfc3339.h"

#include <stddef.h>
#include <string.h>

static const int64_t DAY_MS = 86400000;

/* Days from 1970-01-01 to a civil date of the proleptic Gregorian calendar. Years are
 * counted from March so that the leap day comes last. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2 ? 1 : 0);
}

/* Writes n with exactly digits digits and the character after them; returns the end. */
static char *put(char *p, int64_t n, int digits, char after)
{
    for (int i = digits - 1; i >= 0; i--, n /= 10)
        p[i] = (char)('0' + n % 10);
    p[digits] = after;
    return p + digits + 1;
}

void rfc3339_format(int64_t at_ms, char out[RFC3339_SIZE])
{
    int64_t min = days_of(1, 1, 1) * DAY_MS;
    int64_t max = days_of(10000, 1, 1) * DAY_MS - 1;
    int64_t at = at_ms < min ? min : at_ms > max ? max : at_ms;
    int64_t days = (at >= 0 ? at : at - DAY_MS + 1) / DAY_MS;
    int64_t ms = at - days * DAY_MS;
    int64_t year;
    int64_t month;
    int64_t day;
    char *p = out;

    civil_of(days, &year, &month, &day);
    p = put(p, year, 4, '-');
    p = put(p, month, 2, '-');
    p = put(p, day, 2, 'T');
    p = put(p, ms / 3600000, 2, ':');
    p = put(p, ms / 60000 % 60, 2, ':');
    p = put(p, ms / 1000 % 60, 2, '.');
    p = put(p, ms % 1000, 3, 'Z');
    *p = '\0';
}

/* Reads exactly digits digits at *p and moves past them; -1 when they are not there. */
static int64_t take_digits(const char **p, int digits)
{
    int64_t n = 0;

    for (int i = 0; i < digits; i++, (*p)++) {
        if (**p < '0' || **p > '9')
            return -1;
        n = n * 10 + (**p - '0');
    }
    return n;
}

static bool take_char(const char **p, const char *any)
{
    if (**p == '\0' || strchr(any, **p) == NULL)
        return false;
    (*p)++;
    return true;
}

static int64_t days_in(int64_t year, int64_t month)
{
    return days_of(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
           days_of(year, month, 1);
}

static bool take_date(const char **p, int64_t *days)
{
    int64_t year = take_digits(p, 4);
    int64_t month;
    int64_t day;

    if (year < 1 || !take_char(p, "-"))
        return false;
    month = take_digits(p, 2);
    if (month < 1 || month > 12 || !take_char(p, "-"))
        return false;
    day = take_digits(p, 2);
    if (day < 1 || day > days_in(year, month))
        return false;
    *days = days_of(year, month, day);
    return true;
}

/* ".5", ".123456789": milliseconds, the rest cut off; no dot: 0. */
static bool take_fraction(const char **p, int64_t *ms)
{
    int64_t scale = 100;
    int digits = 0;

    *ms = 0;
    if (!take_char(p, "."))
        return true;
    for (; **p >= '0' && **p <= '9'; (*p)++, digits++, scale /= 10)
        *ms += scale * (**p - '0');
    return digits >= 1 && digits <= 9;
}

static bool take_time(const char **p, int64_t *ms)
{
    int64_t hour = take_digits(p, 2);
    int64_t minute;
    int64_t second;
    int64_t fraction;

    if (hour < 0 || hour > 23 || !take_char(p, ":"))
        return false;
    minute = take_digits(p, 2);
    if (minute < 0 || minute > 59 || !take_char(p, ":"))
        return false;
    second = take_digits(p, 2);
    if (second < 0 || second > 59 || !take_fraction(p, &fraction))
        return false;
    *ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
    return true;
}

static bool take_offset(const char **p, int64_t *ms)
{
    int64_t sign = **p == '-' ? -1 : 1;
    int64_t hour;
    int64_t minute;

    *ms = 0;
    if (take_char(p, "Zz"))
        return true;
    if (!take_char(p, "+-"))
        return false;
    hour = take_digits(p, 2);
    if (hour < 0 || hour > 23 || !take_char(p, ":"))
        return false;
    minute = take_digits(p, 2);
    if (minute < 0 || minute > 59)
        return false;
    *ms = sign * (hour * 60 + minute) * 60000;
    return true;
}

bool rfc3339_parse(const char *text, int64_t *at_ms)
{
    const char *p = text;
    int64_t days;
    int64_t ms;
    int64_t offset;

    if (!take_date(&p, &days) || !take_char(&p, "Tt") || !take_time(&p, &ms) ||
        !take_offset(&p, &offset) || *p != '\0')
        return false;
    *at_ms = days * DAY_MS + ms - offset;
    return true;
}
