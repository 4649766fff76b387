/* confine RULES PROGRAM [ARG...]: runs a program confined as its systemd unit would, where
 * no systemd runs: file systems read-only, no capabilities, no new privileges, a
 * list of system calls. A call that is not on the list kills the program with SIGSYS,
 * so that a test sees it; the unit does the same.
 *
 * RULES holds one rule a line, written by tests/sandbox/rules:
 *     call NAME          system call that may be used
 *     family NUMBER      address family that a socket may have
 *     write PATH         directory that stays writable
 *     root PATH          empty directory for the read-only view
 *     files NUMBER       limit of descriptors
 *     umask OCTAL
 *
 * Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE. */
#include "config.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/securebits.h>
#include <sched.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not from sys/mount.h, which does not stand beside linux/mount.h everywhere. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
          const void *data);

#define MOUNT_BIND    4096UL
#define MOUNT_REC     16384UL
#define MOUNT_PRIVATE (1UL << 18)
#define RECURSIVE     0x8000U /* AT_RECURSIVE */
#define HERE          (-100)  /* AT_FDCWD */
#define MAX_RULES     1000
#define PATH_SIZE     512

struct rule {
    char word[16];
    char value[200];
};

static struct rule rules[MAX_RULES];
static size_t n_rules;

static _Noreturn void give_up(const char *what, const char *which)
{
    fprintf(stderr, "confine: %s %s: %s\n", what, which, strerror(errno));
    exit(126);
}

static void need(bool done, const char *what, const char *which)
{
    if (!done)
        give_up(what, which);
}

static void read_rules(const char *path)
{
    FILE *in = fopen(path, "re");

    need(in != NULL, "open", path);
    while (n_rules < MAX_RULES &&
           fscanf(in, "%15s %199s", rules[n_rules].word, rules[n_rules].value) == 2)
        n_rules++;
    need(feof(in), "read to the end of", path);
    fclose(in);
}

static const char *value_of(const char *word)
{
    for (size_t i = 0; i < n_rules; i++)
        if (strcmp(rules[i].word, word) == 0)
            return rules[i].value;
    errno = EINVAL;
    give_up("no rule", word);
}

/* ---- file systems ---- */

static void below(char *out, const char *root, const char *path)
{
    need((size_t)snprintf(out, PATH_SIZE, "%s%s", root, path) < PATH_SIZE, "path", path);
}

static void set_mount(const char *path, uint64_t set, uint64_t clear, unsigned flags)
{
    struct mount_attr attr = {.attr_set = set, .attr_clr = clear};

    need(syscall(SYS_mount_setattr, HERE, path, flags, &attr, sizeof attr) == 0, "mount_setattr",
         path);
}

/* A second view of everything, read-only but for the directories that rules name. The
 * root itself cannot be changed: in a chroot it is no mount point. */
static void confine_files(void)
{
    const char *root = value_of("root");
    char path[PATH_SIZE];

    need(unshare(CLONE_NEWNS) == 0, "unshare", "mounts");
    need(mount("/", root, NULL, MOUNT_BIND | MOUNT_REC, NULL) == 0, "bind", root);
    {
        struct mount_attr attr = {.propagation = MOUNT_PRIVATE};
        need(syscall(SYS_mount_setattr, HERE, root, RECURSIVE, &attr, sizeof attr) == 0, "private",
             root);
    }
    for (size_t i = 0; i < n_rules; i++)
        if (strcmp(rules[i].word, "write") == 0) {
            below(path, root, rules[i].value);
            need(mount(path, path, NULL, MOUNT_BIND, NULL) == 0, "bind", path);
        }
    set_mount(root, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, RECURSIVE);
    for (size_t i = 0; i < n_rules; i++)
        if (strcmp(rules[i].word, "write") == 0) {
            below(path, root, rules[i].value);
            set_mount(path, 0, MOUNT_ATTR_RDONLY, 0);
        }
    below(path, root, "/proc");
    need(mount("proc", path, "proc", 0, "hidepid=invisible,subset=pid") == 0, "mount", path);
    need(chroot(root) == 0 && chdir("/") == 0, "chroot", root);
}

/* ---- privileges and limits ---- */

static void confine_privileges(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
    struct rlimit files = {0, 0}, core = {0, 0};

    files.rlim_cur = files.rlim_max = strtoul(value_of("files"), NULL, 10);
    need(setrlimit(RLIMIT_NOFILE, &files) == 0, "limit", "descriptors");
    need(setrlimit(RLIMIT_CORE, &core) == 0, "limit", "core");
    umask((mode_t)strtoul(value_of("umask"), NULL, 8));
    for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
        need(prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0, "drop", "capabilities");
    need(prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED, 0, 0, 0) == 0, "set",
         "securebits");
    need(syscall(SYS_capset, &head, none) == 0, "drop", "capabilities");
    need(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "set", "no_new_privs");
}

/* ---- system calls ---- */

static void load(scmp_filter_ctx ctx, const char *what)
{
    errno = -seccomp_load(ctx);
    need(errno == 0, "load", what);
    seccomp_release(ctx);
}

/* refuse(ctx, error, call, comparisons, ...) */
static void refuse(scmp_filter_ctx ctx, unsigned error, int call, unsigned n, ...)
{
    struct scmp_arg_cmp tests[2];
    va_list ap;

    va_start(ap, n);
    for (unsigned i = 0; i < n; i++)
        tests[i] = va_arg(ap, struct scmp_arg_cmp);
    va_end(ap);
    errno = -seccomp_rule_add_array(ctx, SCMP_ACT_ERRNO(error), call, n, tests);
    need(errno == 0, "add", "a filter");
}

/* RestrictAddressFamilies: all families but those named, of which there are few. */
static void refuse_families(scmp_filter_ctx ctx)
{
    bool named[64] = {false};

    for (size_t i = 0; i < n_rules; i++)
        if (strcmp(rules[i].word, "family") == 0)
            named[strtoul(rules[i].value, NULL, 10) % 64] = true;
    for (unsigned family = 0; family < 64; family++)
        if (!named[family])
            refuse(ctx, EAFNOSUPPORT, SCMP_SYS(socket), 1, SCMP_A0_32(SCMP_CMP_EQ, family, 0));
    refuse(ctx, EAFNOSUPPORT, SCMP_SYS(socket), 1, SCMP_A0_32(SCMP_CMP_GE, 64, 0));
}

/* MemoryDenyWriteExecute, RestrictNamespaces, RestrictSUIDSGID, LockPersonality. */
static void refuse_arguments(scmp_filter_ctx ctx)
{
    static const uint64_t namespaces[] = {CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC,   CLONE_NEWUSER,
                                          CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWCGROUP};
    const uint64_t both = PROT_WRITE | PROT_EXEC;

    refuse(ctx, EPERM, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, both, both));
    refuse(ctx, EPERM, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    refuse(ctx, EPERM, SCMP_SYS(pkey_mprotect), 1,
           SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    refuse(ctx, ENOSYS, SCMP_SYS(clone3), 0);
    refuse(ctx, EPERM, SCMP_SYS(setns), 0);
    refuse(ctx, EPERM, SCMP_SYS(unshare), 0);
    for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
        refuse(ctx, EPERM, SCMP_SYS(clone), 1,
               SCMP_A0(SCMP_CMP_MASKED_EQ, namespaces[i], namespaces[i]));
    for (uint64_t bit = S_ISGID; bit <= S_ISUID; bit *= 2) {
        refuse(ctx, EPERM, SCMP_SYS(chmod), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit));
        refuse(ctx, EPERM, SCMP_SYS(fchmod), 1, SCMP_A1(SCMP_CMP_MASKED_EQ, bit, bit));
        refuse(ctx, EPERM, SCMP_SYS(fchmodat), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, bit, bit));
    }
    refuse(ctx, EPERM, SCMP_SYS(personality), 1, SCMP_A0(SCMP_CMP_NE, 0, 0));
}

static void confine_calls(void)
{
    scmp_filter_ctx arguments = seccomp_init(SCMP_ACT_ALLOW),
                    calls = seccomp_init(SCMP_ACT_KILL_PROCESS);

    need(arguments != NULL && calls != NULL, "make", "filters");
    refuse_families(arguments);
    refuse_arguments(arguments);
    for (size_t i = 0; i < n_rules; i++) {
        int call = strcmp(rules[i].word, "call") == 0 ? seccomp_syscall_resolve_name(rules[i].value)
                                                      : __NR_SCMP_ERROR;

        if (call != __NR_SCMP_ERROR) /* else one of another processor, or newer than the library */
            seccomp_rule_add(calls, SCMP_ACT_ALLOW, call, 0);
    }
    load(arguments, "the filter of arguments");
    load(calls, "the list of system calls");
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: confine RULES PROGRAM [ARG...]\n");
        return 64;
    }
    read_rules(argv[1]);
    confine_files();
    confine_privileges();
    confine_calls();
    execv(argv[2], argv + 2);
    give_up("run", argv[2]);
}
