#include "chance.h"

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t chance_bits(int64_t seed, int64_t a, int64_t b)
{
    return mix(mix(mix((uint64_t)seed) ^ (uint64_t)a) ^ (uint64_t)b);
}

double chance_share(int64_t seed, int64_t a, int64_t b)
{
    return (double)(chance_bits(seed, a, b) >> 11) / (double)(UINT64_C(1) << 53);
}
