#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "CWorker.h"

static int describe(posix_spawn_file_actions_t *files, posix_spawnattr_t *attributes, int socket) {
    int error = posix_spawn_file_actions_addopen(files, 0, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_addopen(files, 1, "/dev/null", O_WRONLY, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(files, socket, CW_CONTROL_DESCRIPTOR);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(files, CW_CONTROL_DESCRIPTOR + 1);

    // The daemon ignores and blocks signals as it needs; a worker must not inherit that. In a group
    // of its own, an interrupt typed at the daemon's terminal does not reach it.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (!error) error = posix_spawnattr_setsigmask(attributes, &none);
    if (!error) error = posix_spawnattr_setsigdefault(attributes, &all);
    if (!error) error = posix_spawnattr_setpgroup(attributes, 0);
    if (!error)
        error = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK |
                                                         POSIX_SPAWN_SETSIGDEF |
                                                         POSIX_SPAWN_SETPGROUP);
    return error;
}

pid_t cw_spawn(const char *path, char *const arguments[], int socket) {
    // The Swift libraries may lie where only this variable tells; a crash is to be quick and quiet.
    char libraries[4096];
    const char *where = getenv("LD_LIBRARY_PATH");
    char *environment[] = {"SWIFT_BACKTRACE=enable=no", NULL, NULL};
    if (where && (size_t)snprintf(libraries, sizeof libraries, "LD_LIBRARY_PATH=%s", where) <
                     sizeof libraries)
        environment[1] = libraries;

    posix_spawn_file_actions_t files;
    int error = posix_spawn_file_actions_init(&files);
    if (error) return -error;
    posix_spawnattr_t attributes;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&files);
        return -error;
    }
    pid_t child = 0;
    error = describe(&files, &attributes, socket);
    if (!error) error = posix_spawn(&child, path, &files, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return error ? -error : child;
}

int cw_reap(pid_t child, int milliseconds, int *status) {
    struct timespec pause = {.tv_nsec = 1000000};
    for (int waited = 0;; waited++) {
        pid_t ended;
        do ended = waitpid(child, status, milliseconds < 0 ? 0 : WNOHANG);
        while (ended < 0 && errno == EINTR);
        if (ended < 0) return -errno;
        if (ended == child) return 1;
        if (waited >= milliseconds) return 0;
        nanosleep(&pause, NULL);
    }
}

int cw_signal_of(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }

static int limit(int resource, rlim_t most) {
    struct rlimit found;
    if (getrlimit(resource, &found) != 0) return -errno;
    if (found.rlim_max < most) most = found.rlim_max;
    struct rlimit wanted = {most, most};
    return setrlimit(resource, &wanted) == 0 ? 0 : -errno;
}

int cw_confine(size_t address_space) {
    // Programs are listed by the name of the file that was started, which here is /proc/self/exe.
    if (prctl(PR_SET_NAME, CW_NAME) != 0) return -errno;
    // The control socket ends a worker of a daemon that is gone; this ends one that is busy.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return -errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    // systemd signals the whole service: the daemon finishes what is under way, then lets go.
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    int error = limit(RLIMIT_CORE, 0);
    if (!error) error = limit(RLIMIT_FSIZE, 0);
    if (!error) error = limit(RLIMIT_NOFILE, 16);
    if (!error) error = limit(RLIMIT_AS, address_space);
    return error;
}
