/* scratch.h - a directory of a test's own. Either function ends the test when it fails.
 */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

enum { SCRATCH_SIZE = 32 }; /* bytes of its path with the NUL */

/* Makes an empty one and puts its path into dir. */
void scratch_make(char dir[SCRATCH_SIZE]);

/* Removes it with all that is in it. */
void scratch_remove(const char *dir);

#endif
