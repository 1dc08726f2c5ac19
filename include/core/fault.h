/* core/fault.h - named places where a test can make the process fail.
 *
 *     FAULT_POINT("init.after_send");
 *
 * TTS_FAULT="init.after_send:crash" ends the process there as kill -9 would;
 * "...:stop" stops it as SIGSTOP would; "...:error" makes FAULT_ERROR() true there. With
 * "name@3:crash" the third passage counts; several rules are separated by ','. The
 * store's own points, db.*, are everybody's: "grant.before_commit>db.commit_unsent:error"
 * counts only passages in a thread whose last other point was grant.before_commit.
 * Compiled in everywhere but in release builds (TTS_NO_FAULTS), where the macros are
 * nothing. Thread-safe. tests/integration/crash.test.mjs walks those of the publisher. */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include "core/attr.h"

#include <stdbool.h>
#include <stddef.h>

#ifdef TTS_NO_FAULTS
#define FAULT_POINT(name) ((void)0)
#define FAULT_ERROR(name) (false)
#define FAULT_NAME(name)  (NULL)
#else
/* Passes the point: crashes or stops the process when a rule says so. */
#define FAULT_POINT(name) ((void)fault_pass(name))
/* Passes the point: true when a rule says that the call there shall fail. */
#define FAULT_ERROR(name) fault_pass(name)
/* The name of a point that somebody else shall pass; NULL in a release build. */
#define FAULT_NAME(name)  (name)
#endif

/* Use the macros. True when a rule for name says "error" at this passage. */
bool fault_pass(const char *name);

/* Reads TTS_FAULT anew, for a unit test that has changed it; while one thread runs. */
void fault_reload(void);

#endif
