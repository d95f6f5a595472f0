#include <sys/prctl.h>

/// prctl is variadic, which Swift cannot call. Not dumpable: no core file, by whatever way the system makes them, and no
/// tracing or reading of memory by other processes of the same user. Returns 0 on success.
static inline int patchbay_make_undumpable(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
