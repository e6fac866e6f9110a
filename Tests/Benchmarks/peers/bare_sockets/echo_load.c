/* echo_load PORT CONNECTIONS CALLS: keeps one call in flight on each connection, as h2load -m 1
 * does, until CALLS have been answered. A call is as many bytes as an Invoke. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CALL_BYTES = 220, MAX_EVENTS = 64 };
static const char call[CALL_BYTES];

static int connect_to(int port) {
    const int one = 1;
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0) {
        perror("echo_load");
        exit(1);
    }
    setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return connection;
}

static void send_call(int connection) {
    if (write(connection, call, sizeof call) != sizeof call) {
        perror("echo_load");
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: echo_load PORT CONNECTIONS CALLS\n");
        return 64;
    }
    const int connections = atoi(argv[2]);
    const long calls = atol(argv[3]);
    const int poller = epoll_create1(0);
    long sent = 0, answered = 0;
    for (int i = 0; i < connections && sent < calls; ++i) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = connect_to(atoi(argv[1]))};
        epoll_ctl(poller, EPOLL_CTL_ADD, event.data.fd, &event);
        send_call(event.data.fd);
        ++sent;
    }
    while (answered < calls) {
        static char response[65536];
        struct epoll_event events[MAX_EVENTS];
        const int count = epoll_wait(poller, events, MAX_EVENTS, -1);
        for (int i = 0; i < count; ++i) {
            if (read(events[i].data.fd, response, sizeof response) <= 0) return 1;
            ++answered;
            if (sent < calls) {
                send_call(events[i].data.fd);
                ++sent;
            }
        }
    }
    return 0;
}
