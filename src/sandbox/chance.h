/* sandbox/chance.h - numbers that look random and are always the same for a seed. */
#ifndef SRC_SANDBOX_CHANCE_H
#define SRC_SANDBOX_CHANCE_H

#include <stdint.h>

/* 64 well-mixed bits of the seed and two more numbers. */
uint64_t chance_bits(int64_t seed, int64_t a, int64_t b);

/* The same as a fraction: 0 <= f < 1. */
double chance_share(int64_t seed, int64_t a, int64_t b);

#endif
