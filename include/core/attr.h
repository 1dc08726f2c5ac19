/* core/attr.h - the compiler attributes this program uses, spelled once. */
#ifndef CORE_ATTR_H
#define CORE_ATTR_H

/* The result says whether the call worked; dropping it is a warning. */
#define MUST_CHECK __attribute__((warn_unused_result))

/* Argument number fmt is a printf format for the arguments from number args on. */
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* A parameter that an interface demands and this implementation has no use for. */
#define UNUSED __attribute__((unused))

#define NORETURN __attribute__((noreturn))

/* RETURNS_OWNED(f): the result belongs to the caller, who gives it back to f().
 * gcc's -fanalyzer then reports free() used in f()'s place; clang 14 knows only the
 * plain form. */
#if defined(__GNUC__) && !defined(__clang__)
#define RETURNS_OWNED(f) __attribute__((malloc, malloc(f, 1), warn_unused_result))
#else
#define RETURNS_OWNED(f) __attribute__((malloc, warn_unused_result))
#endif

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
