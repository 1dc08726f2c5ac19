/* api/zone: the machine's tzdata decides which zones there are. */
#include "api/zone.h"
#include "core/attr.h"
#include "unit.h"

START_TEST(zones_of_tzdata_exist)
{
    static const char *const good[] = {"UTC",          "Europe/Berlin",
                                       "Asia/Kolkata", "America/Argentina/Buenos_Aires",
                                       "Etc/GMT+5",    "Europe/Berlin"};

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        ck_assert_msg(zone_exists(good[i]), "%s", good[i]);
}
END_TEST

START_TEST(other_names_directories_and_files_do_not)
{
    static const char *const bad[] = {"Mars/Olympus",
                                      "Europe/Atlantis",
                                      "Europe",
                                      "Nowhere",
                                      "",
                                      "../../etc/passwd",
                                      "tzdata.zi",
                                      "posixrules",
                                      "localtime",
                                      "europe/berlin"};

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(!zone_exists(bad[i]), "%s", bad[i]);
}
END_TEST

UNIT_MAIN("api_zone", zones_of_tzdata_exist, other_names_directories_and_files_do_not)
