#include "address.h"

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct range {
    uint8_t prefix[16];
    unsigned bits;
};

static const struct range denied_v4[] = {
    {{0}, 8},         {{10}, 8},       {{100, 64}, 10},      {{127}, 8},
    {{169, 254}, 16}, {{172, 16}, 12}, {{192, 0, 0}, 24},    {{192, 0, 2}, 24},
    {{192, 168}, 16}, {{198, 18}, 15}, {{198, 51, 100}, 24}, {{203, 0, 113}, 24},
    {{224}, 4},       {{240}, 4},
};

static const struct range denied_v6[] = {
    {{0}, 128},                                              /* :: */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128}, /* ::1 */
    {{0}, 96},                                               /* ::a.b.c.d, obsolete */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},        /* ::ffff:a.b.c.d */
    {{0x00, 0x64, 0xff, 0x9b}, 32},                          /* NAT64 */
    {{0x01, 0x00}, 64},                                      /* discard */
    {{0x20, 0x01, 0x00, 0x00}, 32},                          /* Teredo */
    {{0x20, 0x01, 0x0d, 0xb8}, 32},                          /* documentation */
    {{0x20, 0x02}, 16},                                      /* 6to4 */
    {{0xfc}, 7},                                             /* unique local */
    {{0xfe, 0x80}, 10},                                      /* link-local */
    {{0xfe, 0xc0}, 10},                                      /* site-local */
    {{0xff}, 8},                                             /* multicast */
};

static bool within(const uint8_t *address, const struct range *r)
{
    size_t bytes = r->bits / 8;
    unsigned rest = r->bits % 8;
    unsigned mask = (0xffU << (8 - rest)) & 0xffU;

    if (memcmp(address, r->prefix, bytes) != 0)
        return false;
    return rest == 0 || ((address[bytes] ^ r->prefix[bytes]) & mask) == 0;
}

static bool denied(const uint8_t *address, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (within(address, &ranges[i]))
            return true;
    }
    return false;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in in;
        uint8_t bytes[4];

        (void)memcpy(&in, address, sizeof(in));
        (void)memcpy(bytes, &in.sin_addr, sizeof(bytes));
        return !denied(bytes, denied_v4, ARRAY_LEN(denied_v4));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 in6;

        (void)memcpy(&in6, address, sizeof(in6));
        return !denied(in6.sin6_addr.s6_addr, denied_v6, ARRAY_LEN(denied_v6));
    }
    return false;
}
