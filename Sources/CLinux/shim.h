#include <sys/prctl.h>

/// prctl is variadic, which Swift cannot call. Not dumpable: no core file, by whatever way the system makes them, and no
/// tracing or reading of memory by other processes of the same user. Returns 0 on success.
static inline int patchbay_make_undumpable(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

#include <linux/stat.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/// When a file came into being, in nanoseconds since 1970: what no tool that copies files can set. Returns -1 where the file
/// system does not tell. The call itself, since the C library shows its own only to programs that ask for GNU's extensions.
static inline long long patchbay_birth_time(int file) {
    struct statx status;
    memset(&status, 0, sizeof status);
    const int at_empty_path = 0x1000;
    if (syscall(SYS_statx, file, "", at_empty_path, STATX_BTIME, &status) != 0 || !(status.stx_mask & STATX_BTIME))
        return -1;
    return status.stx_btime.tv_sec * 1000000000LL + status.stx_btime.tv_nsec;
}
