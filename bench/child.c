/* A child that costs nothing: tells when its first instruction ran, then waits or reports progress.
 * usage: child PORT ID [udp://127.0.0.1:PROGRESS_PORT] */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void say(int fd, int port, const char *text)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof to);
}

int main(int argc, char **argv)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char text[512];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    snprintf(text, sizeof text, "started %s %d %lld", argv[2], getpid(), now.tv_sec * 1000000000LL + now.tv_nsec);
    say(fd, atoi(argv[1]), text);
    if (argc < 4)
        for (;;)
            pause();
    int port = atoi(strrchr(argv[3], ':') + 1);
    usleep(atoi(argv[2]) * 7919 % 1000 * 1000); /* spread over the second */
    for (long long frame = 1;; frame += 30) {
        snprintf(text, sizeof text,
                 "frame=%lld\nfps=30.00\nstream_0_0_q=23.0\nbitrate=2500.0kbits/s\ntotal_size=%lld\n"
                 "out_time_us=%lld\nout_time_ms=%lld\nout_time=00:00:00.000000\ndup_frames=0\ndrop_frames=0\n"
                 "speed=1.00x\nprogress=continue\n",
                 frame, frame * 10000, frame * 33333, frame * 33333);
        say(fd, port, text);
        sleep(1);
    }
}
