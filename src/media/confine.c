#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILES_MAX = 16 };

static bool limit(unsigned what, uint64_t max)
{
    const struct rlimit r = {.rlim_cur = max, .rlim_max = max};

    return setrlimit(what, &r) == 0;
}

static bool set_limits(const struct confine_limits *limits)
{
    return limit(RLIMIT_AS, limits->memory_bytes) && limit(RLIMIT_CPU, limits->cpu_s) &&
           limit(RLIMIT_FSIZE, limits->output_bytes) && limit(RLIMIT_NOFILE, FILES_MAX) &&
           limit(RLIMIT_CORE, 0);
}

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#endif

#ifdef FILTER_ARCH
/* One refused system call: EPERM when the number matches, else on to the next. */
#define REFUSE(nr)                                                                       \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1),                                     \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

/* Refuses what reaches a network, another process or the kernel's depths. io_uring is
 * among them because it makes sockets without the socket call. Numbers of another
 * architecture (or of x32) end the process. */
static bool filter_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        REFUSE(SYS_socket),
        REFUSE(SYS_socketpair),
        REFUSE(SYS_connect),
        REFUSE(SYS_bind),
        REFUSE(SYS_listen),
        REFUSE(SYS_accept),
        REFUSE(SYS_accept4),
        REFUSE(SYS_sendto),
        REFUSE(SYS_sendmsg),
        REFUSE(SYS_io_uring_setup),
        REFUSE(SYS_ptrace),
        REFUSE(SYS_process_vm_readv),
        REFUSE(SYS_process_vm_writev),
        REFUSE(SYS_kill),
        REFUSE(SYS_unshare),
        REFUSE(SYS_setns),
        REFUSE(SYS_mount),
        REFUSE(SYS_bpf),
        REFUSE(SYS_keyctl),
        REFUSE(SYS_userfaultfd),
        REFUSE(SYS_perf_event_open),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};

    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
#else
static bool filter_calls(void)
{
    return false;
}
#endif

/* Allows that access to path and what is below. A path that does not exist on this
 * machine is fine. */
static void allow(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {
        .allowed_access = access,
        .parent_fd = open(path, O_PATH | O_CLOEXEC),
    };

    if (rule.parent_fd < 0)
        return;
    (void)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    (void)close(rule.parent_fd);
}

/* Allows to read the one file, or to write it. Bytes in memory (memfd) lie in no file
 * system that can be hidden: the kernel takes no rule about them (EBADFD) and forbids
 * nothing. */
static bool allow_file(int rules, int fd, uint64_t access)
{
    const struct landlock_path_beneath_attr rule = {
        .allowed_access = access,
        .parent_fd = fd,
    };

    return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ==
               0 ||
           errno == EBADFD;
}

/* Best effort: without Landlock the file system's own permissions remain. */
static void hide_files(int input_fd, int output_fd)
{
    static const char *const programs[] = {"/usr", "/lib", "/lib64"};
    const struct landlock_ruleset_attr handled = {
        .handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                             LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_DIR |
                             LANDLOCK_ACCESS_FS_REMOVE_FILE |
                             LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                             LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |
                             LANDLOCK_ACCESS_FS_MAKE_FIFO |
                             LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM,
    };
    long made = syscall(SYS_landlock_create_ruleset, &handled, sizeof(handled), 0);
    int rules = (int)made;

    if (rules < 0)
        return;
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        allow(rules, programs[i],
              LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
                  LANDLOCK_ACCESS_FS_EXECUTE);
    allow(rules, "/etc/ld.so.cache", LANDLOCK_ACCESS_FS_READ_FILE);
    allow(rules, "/dev/null", LANDLOCK_ACCESS_FS_READ_FILE);
    if (allow_file(rules, input_fd, LANDLOCK_ACCESS_FS_READ_FILE) &&
        (output_fd < 0 ||
         allow_file(rules, output_fd,
                    LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)))
        (void)syscall(SYS_landlock_restrict_self, rules, 0);
    (void)close(rules);
}

bool confine_self(const struct confine_limits *limits, int input_fd, int output_fd)
{
    bool alone;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !set_limits(limits))
        return false;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setpriority(PRIO_PROCESS, 0, limits->nice);
    alone = unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
    hide_files(input_fd, output_fd);
    return filter_calls() || alone;
}
