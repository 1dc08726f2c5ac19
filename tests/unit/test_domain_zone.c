/* domain/zone: names that may be asked for, and nothing that could be a path. */
#include "core/attr.h"
#include "domain/zone.h"
#include "unit.h"

#include <string.h>

START_TEST(names_of_the_iana_shape_are_let_pass)
{
    static const char *const good[] = {"UTC",
                                       "GB",
                                       "Europe/Berlin",
                                       "America/Argentina/ComodRivadavia",
                                       "America/Port-au-Prince",
                                       "Etc/GMT+5",
                                       "Etc/GMT-14",
                                       "EST5EDT",
                                       "W-SU",
                                       "Antarctica/DumontDUrville",
                                       "Africa/Porto-Novo",
                                       "America/North_Dakota/New_Salem"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(zone_name_ok(good[i]), "%s", good[i]);
}
END_TEST

START_TEST(what_could_lead_elsewhere_is_not)
{
    static const char *const bad[] = {"",
                                      "/etc/passwd",
                                      "../../etc/passwd",
                                      "Europe/../../etc/passwd",
                                      "Europe/",
                                      "Europe//Berlin",
                                      "./UTC",
                                      "posix/Europe/Berlin",
                                      "posixrules",
                                      "localtime",
                                      "tzdata.zi",
                                      "A/B/C/D",
                                      "Europe/Ber lin",
                                      "Europe/Berlin\n",
                                      "Europe/5",
                                      "+05:00",
                                      "Europe/B\xc3\xa9rlin"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!zone_name_ok(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(a_name_fits_its_column)
{
    char name[ZONE_NAME_MAX + 2];

    memset(name, 'A', sizeof(name));
    name[ZONE_NAME_MAX] = '\0';
    ck_assert(zone_name_ok(name));
    name[ZONE_NAME_MAX] = 'A';
    name[ZONE_NAME_MAX + 1] = '\0';
    ck_assert(!zone_name_ok(name));
}
END_TEST

UNIT_MAIN("domain_zone", names_of_the_iana_shape_are_let_pass,
          what_could_lead_elsewhere_is_not, a_name_fits_its_column)
