/* net/address.h - which addresses this program may talk to. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "core/attr.h"

#include <stdbool.h>
#include <sys/socket.h>

/* True for an address of the public Internet; false for everything on the deny list of
 * docs/security.md (private, loopback, link-local, documentation, multicast, tunnels,
 * IPv4 inside IPv6) and for every family but IPv4 and IPv6. Asked after DNS, so that a
 * name cannot lead inside. */
bool address_is_public(const struct sockaddr *address) MUST_CHECK;

#endif
