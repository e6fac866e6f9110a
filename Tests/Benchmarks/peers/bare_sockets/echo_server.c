/* echo_server PORT: the least that a server can do for a call, for the price of the kernel's part.
 *
 * It waits, reads what one connection sent, and writes as many bytes as Cadre's answer to Invoke
 * has, without looking at anything: no HTTP/2, no message, no agent. What it costs is what every
 * server on this machine pays for a call that comes alone, so no ratio to a peer can be above the
 * peer's cost divided by this. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_BYTES = 240, MAX_EVENTS = 64 };

static int listen_on(int port) {
    const int one = 1;
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 128) != 0) {
        perror("echo_server");
        exit(1);
    }
    return listener;
}

static void watch(int poller, int descriptor) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event);
}

static void accept_one(int poller, int listener) {
    const int one = 1;
    const int connection = accept(listener, NULL, NULL);
    if (connection < 0) return;
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    watch(poller, connection);
}

static void answer(int connection) {
    static char request[65536];
    static const char response[ANSWER_BYTES];
    if (read(connection, request, sizeof request) <= 0 ||
        write(connection, response, sizeof response) != sizeof response) {
        close(connection);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: echo_server PORT\n");
        return 64;
    }
    const int listener = listen_on(atoi(argv[1]));
    const int poller = epoll_create1(0);
    watch(poller, listener);
    for (;;) {
        struct epoll_event events[MAX_EVENTS];
        const int count = epoll_wait(poller, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; ++i) {
            if (events[i].data.fd == listener) {
                accept_one(poller, listener);
            } else {
                answer(events[i].data.fd);
            }
        }
    }
}
