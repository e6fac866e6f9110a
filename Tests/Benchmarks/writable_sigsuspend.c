/* Preloaded under valgrind only.
 *
 * Swift's asynchronous main parks the main thread in sigsuspend(2), with a mask that libdispatch
 * keeps in read-only memory. Debian 12's valgrind 3.19 takes its own signal out of that mask in
 * place and falls over. This hands it a copy on the stack instead.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's signal set, 64 signals; glibc's is larger. */
#define KERNEL_SIGSET_BYTES 8

int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, KERNEL_SIGSET_BYTES);
}
