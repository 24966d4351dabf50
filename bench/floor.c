/* The least that a supervisor can do: wait for the ends of its children by epoll on pidfds, start each again by
 * posix_spawn in a session of its own, with a FIFO as its output. Nothing is kept, decided, read or told.
 * usage: floor FOLDER PORT FIRST COUNT PROGRAM: children are PROGRAM PORT ID with COUNT ids from FIRST. Ends with
 * its input. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct child {
    char id[16];
    pid_t pid;
    int pidfd;
    posix_spawn_file_actions_t actions;
};

static posix_spawnattr_t attributes;
static char *program, *port;
static int loop;

static void must(int good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

static void prepare(struct child *child, const char *folder, int id)
{
    char path[4096];
    snprintf(child->id, sizeof child->id, "%d", id);
    snprintf(path, sizeof path, "%s/%d.output", folder, id);
    must(mkfifo(path, 0600) == 0, path);
    int output = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    must(output >= 0, path);
    posix_spawn_file_actions_init(&child->actions);
    posix_spawn_file_actions_addopen(&child->actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&child->actions, output, 1);
    posix_spawn_file_actions_adddup2(&child->actions, output, 2);
}

static void start(struct child *child)
{
    char *argv[] = {program, port, child->id, NULL};
    must(posix_spawn(&child->pid, program, &child->actions, &attributes, argv, environ) == 0, program);
    child->pidfd = syscall(SYS_pidfd_open, child->pid, 0);
    must(child->pidfd >= 0, "pidfd_open");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = child};
    must(epoll_ctl(loop, EPOLL_CTL_ADD, child->pidfd, &event) == 0, "epoll_ctl");
}

int main(int argc, char **argv)
{
    must(argc == 6, "usage: floor FOLDER PORT FIRST COUNT PROGRAM");
    int first = atoi(argv[3]), count = atoi(argv[4]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGXFSZ);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    port = argv[2];
    program = argv[5];
    loop = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    must(epoll_ctl(loop, EPOLL_CTL_ADD, 0, &event) == 0, "epoll_ctl");
    struct child *children = calloc(count, sizeof *children);
    for (int i = 0; i < count; i++) {
        prepare(&children[i], argv[1], first + i);
        start(&children[i]);
    }
    for (;;) {
        must(epoll_wait(loop, &event, 1, -1) >= 0, "epoll_wait");
        struct child *child = event.data.ptr;
        if (!child)
            break;
        siginfo_t how;
        waitid(P_PIDFD, child->pidfd, &how, WEXITED);
        close(child->pidfd);
        start(child);
    }
    for (int i = 0; i < count; i++)
        kill(children[i].pid, SIGKILL);
    return 0;
}
