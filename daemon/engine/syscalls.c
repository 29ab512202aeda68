/* SPDX-License-Identifier: MIT */
#include "daemon/engine/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <termios.h>

#include "lib/base/attr.h"
#include "lib/base/err.h"

/* Names, not numbers: a call that this machine or this libseccomp does not have is skipped. */
static const char *const allowed[] = {
	/* descriptors */
	"read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "close",
	"close_range", "dup", "dup2", "dup3", "fcntl", "fcntl64", "lseek", "_llseek", "pipe",
	"pipe2", "eventfd2", "memfd_create", "ftruncate", "ftruncate64", "fsync", "fdatasync",
	/* looking at files; landlock and the rules for open say which */
	"stat", "lstat", "fstat", "stat64", "lstat64", "fstat64", "newfstatat", "fstatat64",
	"statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64",
	"getcwd", "fadvise64", "fstatfs", "fstatfs64", "inotify_init1", "inotify_add_watch",
	"inotify_rm_watch",
	/* waiting */
	"poll", "ppoll", "ppoll_time64", "select", "_newselect", "pselect6", "pselect6_time64",
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	"epoll_pwait2", "timerfd_create", "timerfd_settime", "timerfd_settime64",
	"timerfd_gettime", "timerfd_gettime64", "nanosleep", "clock_nanosleep",
	"clock_nanosleep_time64", "pause",
	/* time */
	"clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64",
	"gettimeofday", "time", "times",
	/* sockets, but for making them */
	"connect", "bind", "listen", "accept", "accept4", "shutdown", "getsockname",
	"getpeername", "getsockopt", "setsockopt", "send", "sendto", "sendmsg", "sendmmsg",
	"recv", "recvfrom", "recvmsg", "recvmmsg", "recvmmsg_time64",
	/* memory */
	"brk", "munmap", "mremap", "madvise", "mlock", "mlock2", "munlock", "msync", "mincore",
	"getrandom", "membarrier",
	/* threads, the plan's child, signals */
	"fork", "vfork", "futex", "futex_time64", "futex_waitv", "set_robust_list",
	"get_robust_list", "rseq", "set_tid_address", "arch_prctl", "set_thread_area",
	"set_tls", "exit", "exit_group", "wait4", "waitid", "waitpid", "kill", "tgkill",
	"tkill", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
	"rt_sigpending", "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaltstack",
	"sigreturn", "restart_syscall", "sched_yield", "sched_getaffinity", "sched_getparam",
	"sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "setpriority",
	"getpriority", "getcpu",
	/* identity */
	"getpid", "getppid", "gettid", "getpgid", "getpgrp", "getsid", "getuid", "geteuid",
	"getgid", "getegid", "getresuid", "getresgid", "getgroups", "getuid32", "geteuid32",
	"getgid32", "getegid32", "getresuid32", "getresgid32", "getgroups32", "capget",
	"getrlimit", "ugetrlimit", "getrusage", "sysinfo", "uname", "umask"
};

/* Honest code never makes these. */
static const char *const deadly[] = { "execve", "execveat", "ptrace", "process_vm_readv",
	"process_vm_writev", "pidfd_getfd", "mount", "umount", "umount2", "pivot_root",
	"chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "unshare", "setns", "bpf", "perf_event_open", "userfaultfd",
	"io_uring_setup", "io_uring_enter", "io_uring_register", "init_module", "finit_module",
	"delete_module", "kexec_load", "kexec_file_load", "reboot", "swapon", "swapoff", "iopl",
	"ioperm", "modify_ldt", "add_key", "request_key", "keyctl", "open_by_handle_at",
	"settimeofday", "clock_settime", "adjtimex", "clock_adjtime", "sethostname",
	"setdomainname", "quotactl", "acct", "mknod", "mknodat", "setuid", "setgid", "setreuid",
	"setregid", "setresuid", "setresgid", "setgroups", "setfsuid", "setfsgid", "vhangup",
	"syslog", "nfsservctl", "lookup_dcookie", "uselib" };

/* All that the log's relay does (lib/log/relay.h). */
static const char *const relaying[] = { "recvfrom", "sendto", "sendmsg", "memfd_create",
	"fcntl", "write", "writev", "close", "getsockopt", "setsockopt", "brk", "munmap",
	"mremap", "madvise", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "restart_syscall",
	"exit", "exit_group", "getpid", "gettid", "futex", "getrandom" };

/* A call that is allowed only while (argument & mask) == value, and so the argument behind it. */
struct narrow {
	const char *call;
	unsigned arg;
	uint64_t mask, value;
	uint64_t next_mask, next_value;
};

#define INT_ARG UINT32_MAX        /* of a 64-bit register, the kernel reads the lower half */
#define SOCK_TYPE ((uint64_t)0xf) /* without SOCK_CLOEXEC and SOCK_NONBLOCK */
#define WRITES ((uint64_t)(O_ACCMODE | O_CREAT | O_TRUNC))
#define NAMESPACES                                                                             \
	((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |              \
		    CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET))

static const struct narrow narrowed[] = {
	{ "open", 1, WRITES, O_RDONLY }, { "openat", 2, WRITES, O_RDONLY },
	{ "mmap", 2, PROT_EXEC, 0 }, { "mmap2", 2, PROT_EXEC, 0 },
	{ "mprotect", 2, PROT_EXEC, 0 }, { "clone", 0, NAMESPACES, 0 },
	/*
	 * A local socket would reach the service manager, the bus and what else listens at a path.
	 * An end of a pair of datagrams takes another address; those of a connected pair do not.
	 */
	{ "socket", 0, INT_ARG, AF_INET }, { "socket", 0, INT_ARG, AF_INET6 },
	{ "socketpair", 0, INT_ARG, AF_UNIX, SOCK_TYPE, SOCK_STREAM },
	{ "socketpair", 0, INT_ARG, AF_UNIX, SOCK_TYPE, SOCK_SEQPACKET },
	{ "ioctl", 1, INT_ARG, FIONBIO }, { "ioctl", 1, INT_ARG, FIONREAD },
	{ "ioctl", 1, INT_ARG, FIOCLEX }, { "ioctl", 1, INT_ARG, TCGETS },
	{ "ioctl", 1, INT_ARG, TIOCGWINSZ }, { "prctl", 0, INT_ARG, PR_SET_NAME },
	{ "prctl", 0, INT_ARG, PR_GET_NAME }, { "prctl", 0, INT_ARG, PR_SET_PDEATHSIG },
	{ "prctl", 0, INT_ARG, PR_GET_DUMPABLE }, { "prctl", 0, INT_ARG, PR_GET_NO_NEW_PRIVS },
	{ "prctl", 0, INT_ARG, PR_GET_SECCOMP }, { "prctl", 0, INT_ARG, PR_SET_VMA },
	{ "prlimit64", 2, UINT64_MAX, 0 }, /* look, do not set */
};

static const struct narrow relay_narrowed[] = {
	{ "socket", 0, INT_ARG, AF_UNIX, SOCK_TYPE, SOCK_DGRAM },
	{ "mmap", 2, PROT_EXEC, 0 },
	{ "mmap2", 2, PROT_EXEC, 0 },
	{ "mprotect", 2, PROT_EXEC, 0 },
};

static void release_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* One rule on a call by name.  Unknown here or not of this architecture: nothing to do. */
static int add_rule(scmp_filter_ctx filter, uint32_t action, const char *call,
	const struct narrow *narrow, struct err *err)
{
	int nr = seccomp_syscall_resolve_name(call);
	struct scmp_arg_cmp cmp[2] = { { 0 } };
	unsigned n = 0;
	int r;

	if (nr == __NR_SCMP_ERROR || nr < 0)
		return 0;
	if (narrow)
		cmp[n++] =
			SCMP_CMP(narrow->arg, SCMP_CMP_MASKED_EQ, narrow->mask, narrow->value);
	if (narrow && narrow->next_mask)
		cmp[n++] = SCMP_CMP(narrow->arg + 1, SCMP_CMP_MASKED_EQ, narrow->next_mask,
			narrow->next_value);
	r = seccomp_rule_add_array(filter, action, nr, n, cmp);
	if (r < 0)
		return err_sys(err, ERR_IO, -r, "there can be no rule for %s", call);
	return 0;
}

static int load(scmp_filter_ctx filter, struct err *err)
{
	int r = seccomp_load(filter);

	if (r < 0)
		return err_sys(err, ERR_IO, -r, "the kernel takes no filter");
	return 0;
}

int syscalls_enter_relay(struct err *err)
{
	scmp_filter_ctx filter CLEANUP(release_filter) = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!filter)
		return err_set(err, ERR_IO, "the library makes no filter");
	for (size_t i = 0; i < ARRAY_LEN(relaying); i++)
		if (add_rule(filter, SCMP_ACT_ALLOW, relaying[i], NULL, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(relay_narrowed); i++)
		if (add_rule(filter, SCMP_ACT_ALLOW, relay_narrowed[i].call, &relay_narrowed[i],
			    err) < 0)
			return -1;
	return load(filter, err);
}

int syscalls_enter(struct err *err)
{
	scmp_filter_ctx filter CLEANUP(release_filter) = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!filter)
		return err_set(err, ERR_IO, "the library makes no filter");
	/* Its flags lie in memory where no filter can look; the C library falls back to clone. */
	if (add_rule(filter, SCMP_ACT_ERRNO(ENOSYS), "clone3", NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		if (add_rule(filter, SCMP_ACT_ALLOW, allowed[i], NULL, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		if (add_rule(filter, SCMP_ACT_KILL_PROCESS, deadly[i], NULL, err) < 0)
			return -1;
	for (size_t i = 0; i < ARRAY_LEN(narrowed); i++)
		if (add_rule(filter, SCMP_ACT_ALLOW, narrowed[i].call, &narrowed[i], err) < 0)
			return -1;
	return load(filter, err);
}
