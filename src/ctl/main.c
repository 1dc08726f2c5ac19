/* ttsctl - the operator's tool. */
#include "ctl.h"

int main(int argc, char **argv)
{
    struct ctl ctl = {.in = stdin,
                      .out = stdout,
                      .notes = stderr,
                      .random = random_system(),
                      .clock = clock_system()};
    int status = ctl_main(&ctl, argc, argv);

    /* A result that did not get out is none. */
    if (fflush(stdout) != 0 && status == CTL_OK)
        status = CTL_FAILED;
    return status;
}
