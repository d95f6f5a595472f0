// Asks a server at a given rate, whatever it answers: openloop PORT RATE SECONDS CONNECTIONS PUTS_PER_THOUSAND IDS
//
// Each request has its moment, and its latency counts from that moment, also while it waits for a connection that is free:
// a server that stops for a second is charged with all that would have been asked in that second ("coordinated omission"
// is what a client has that waits with it). With a RATE of 0 each connection asks as soon as it is answered, which tells
// what the server can do.
//
// IDS is a file with the id of a connection a line; each request takes a random one. The API key comes from BENCH_API_KEY.
// It prints one line for load.py; latencies are in microseconds.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { GET, PUT, KINDS };
enum { RESPONSE_LIMIT = 1 << 16, REQUEST_LIMIT = 2048, ID_LIMIT = 64 };

typedef struct {
    int descriptor, is_busy, kind;
    int64_t moment;
    size_t filled;
    char response[RESPONSE_LIMIT];
} Connection;

typedef struct {
    uint32_t *values;
    size_t count, room;
} Latencies;

static const int64_t second = 1000000000;
static int port, puts_per_thousand;
static const char *key;
static char (*ids)[ID_LIMIT];
static size_t id_count;
static Latencies latencies[KINDS];
static uint64_t sent, refused, seed = 88172645463325252;

static void fail(const char *what) {
    fprintf(stderr, "openloop: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
    exit(1);
}

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * second + time.tv_nsec;
}

static uint64_t next_random(void) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void read_ids(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail(path);
    for (size_t room = 0; ; id_count++) {
        if (id_count == room && !(ids = realloc(ids, (room = room ? room * 2 : 1024) * sizeof *ids))) fail("memory");
        if (fscanf(file, "%63s", ids[id_count]) != 1) break;
    }
    fclose(file);
    if (!id_count) fail("no ids");
}

static void keep(Latencies *of, int64_t nanoseconds) {
    if (of->count == of->room) {
        of->room = of->room ? of->room * 2 : 1 << 16;
        if (!(of->values = realloc(of->values, of->room * sizeof *of->values))) fail("memory");
    }
    of->values[of->count++] = nanoseconds / 1000;
}

static void connect_to_server(Connection *connection, int poll) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int yes = 1;
    connection->descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(connection->descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, connection->descriptor, &event)) fail("epoll_ctl");
}

// What a PUT writes is 100 bytes and differs each time. It is metadata, which fits a connection of any integration.
static void ask(Connection *connection, int64_t moment) {
    char request[REQUEST_LIMIT], body[256];
    const char *id = ids[next_random() % id_count];
    int length;
    connection->kind = (int)(next_random() % 1000) < puts_per_thousand ? PUT : GET;
    if (connection->kind == GET) {
        length = snprintf(request, sizeof request,
            "GET /api/v1/connections/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n\r\n", id, port, key);
    } else {
        int size = snprintf(body, sizeof body, "{\"metadata\":{\"team\":\"T%012llx\",\"purpose\":\"%061d\"}}",
            (unsigned long long)(next_random() >> 16), 0);
        length = snprintf(request, sizeof request,
            "PUT /api/v1/connections/%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
            "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", id, port, key, size, body);
    }
    if (length >= (int)sizeof request) fail("a request that is too long");
    if (send(connection->descriptor, request, length, MSG_NOSIGNAL) != length) fail("send");
    connection->moment = moment;
    connection->is_busy = 1;
    sent++;
}

// Whether all of an answer has come.
static int is_whole(Connection *connection) {
    connection->response[connection->filled] = 0;
    char *end = strstr(connection->response, "\r\n\r\n");
    if (!end) return 0;
    for (char *line = strstr(connection->response, "\r\n"); line && line < end; line = strstr(line + 2, "\r\n"))
        if (!strncasecmp(line + 2, "content-length:", 15))
            return connection->filled >= (size_t)(end + 4 - connection->response) + strtoul(line + 17, NULL, 10);
    errno = 0;
    fail("an answer without Content-Length");
    return 0;
}

// Reads what is there. Returns whether the connection is free now.
static int hear(Connection *connection) {
    ssize_t count = recv(connection->descriptor, connection->response + connection->filled,
        RESPONSE_LIMIT - 1 - connection->filled, 0);
    if (count <= 0) fail("the server closed a connection");
    connection->filled += count;
    if (!is_whole(connection)) return 0;
    if (strncmp(connection->response, "HTTP/1.1 200 ", 13)) refused++;
    else keep(&latencies[connection->kind], now() - connection->moment);
    connection->filled = connection->is_busy = 0;
    return 1;
}

static int ascending(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

static uint32_t percentile(Latencies *of, double share) {
    return of->count ? of->values[(size_t)((of->count - 1) * share)] : 0;
}

int main(int count, char **arguments) {
    key = getenv("BENCH_API_KEY");
    if (count != 7 || !key) {
        fprintf(stderr, "usage: BENCH_API_KEY=... openloop PORT RATE SECONDS CONNECTIONS PUTS_PER_THOUSAND IDS\n");
        return 2;
    }
    port = atoi(arguments[1]);
    double rate = atof(arguments[2]), seconds = atof(arguments[3]);
    int size = atoi(arguments[4]);
    puts_per_thousand = atoi(arguments[5]);
    read_ids(arguments[6]);

    int poll = epoll_create1(0), idle_count = 0;
    Connection *connections = calloc(size, sizeof *connections), **idle = calloc(size, sizeof *idle);
    struct epoll_event *events = calloc(size, sizeof *events);
    if (!connections || !idle || !events) fail("memory");
    for (int i = 0; i < size; i++) connect_to_server(idle[idle_count++] = &connections[i], poll);

    int64_t begin = now(), end = begin + (int64_t)(seconds * second);
    double step = rate > 0 ? second / rate : 0;
    uint64_t turn = 0;
    for (;;) {
        int64_t time = now(), due = rate > 0 ? begin + (int64_t)(turn * step) : time;
        while (idle_count && due <= time && due < end) {
            ask(idle[--idle_count], due);
            turn++;
            due = rate > 0 ? begin + (int64_t)(turn * step) : time;
        }
        if (due >= end && idle_count == size) break;
        int64_t wait = idle_count && due < end ? due - now() : second;
        if (wait < 0) wait = 0;
        struct timespec patience = {wait / second, wait % second};
        int heard = epoll_pwait2(poll, events, size, &patience, NULL);
        if (heard < 0 && errno != EINTR) fail("epoll_pwait2");
        for (int i = 0; i < heard; i++)
            if (hear(events[i].data.ptr)) idle[idle_count++] = events[i].data.ptr;
        if (now() > end + 30 * second) fail("no answer for 30 s");
    }
    int64_t taken = now() - begin;
    for (int kind = 0; kind < KINDS; kind++)
        qsort(latencies[kind].values, latencies[kind].count, sizeof(uint32_t), ascending);
    printf("result requests=%llu microseconds=%lld refused=%llu", (unsigned long long)sent, (long long)taken / 1000,
        (unsigned long long)refused);
    for (int kind = 0; kind < KINDS; kind++)
        printf(" %s_p50=%u %s_p99=%u %s_p999=%u", kind == GET ? "get" : "put", percentile(&latencies[kind], .5),
            kind == GET ? "get" : "put", percentile(&latencies[kind], .99), kind == GET ? "get" : "put",
            percentile(&latencies[kind], .999));
    printf("\n");
    return 0;
}
