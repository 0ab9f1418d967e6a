
/*
 * Copyright (C) nginx AI edge contributors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * edge-health [PORT [PATH]]: asks the edge in this container whether it is
 * alive (8080, /actuator/health/liveness) and exits with 0 if it says 200,
 * else with 1; after two seconds a signal ends it.  Linked statically: the image has no curl.
 */


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <netinet/in.h>


#define EDGE_HEALTH_TIMEOUT  2


static int edge_health_fail(const char *what);
static int edge_health_connect(long port);
static int edge_health_send(int fd, const char *path);
static int edge_health_status(int fd);


int
main(int argc, char *const *argv)
{
    int          fd, status;
    char        *end;
    long         port;
    const char  *path;

    port = 8080;
    path = "/actuator/health/liveness";

    if (argc > 1) {
        port = strtol(argv[1], &end, 10);

        if (*end != '\0' || port < 1 || port > 65535) {
            return edge_health_fail("the port is not valid");
        }
    }

    if (argc > 2) {
        path = argv[2];
    }

    /* no step can take longer than the check as a whole */

    alarm(EDGE_HEALTH_TIMEOUT);

    fd = edge_health_connect(port);
    if (fd == -1) {
        return edge_health_fail("nothing listens");
    }

    if (edge_health_send(fd, path) == -1) {
        return edge_health_fail("the request cannot be sent");
    }

    status = edge_health_status(fd);
    close(fd);

    if (status != 200) {
        return edge_health_fail("not healthy");
    }

    return 0;
}


static int
edge_health_fail(const char *what)
{
    fprintf(stderr, "edge-health: %s\n", what);

    return 1;
}


static int
edge_health_connect(long port)
{
    int                 fd;
    struct sockaddr_in  sin;

    fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd == -1) {
        return -1;
    }

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons((unsigned short) port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        close(fd);
        return -1;
    }

    return fd;
}


static int
edge_health_send(int fd, const char *path)
{
    int      len;
    char     buf[1024];
    ssize_t  n;

    len = snprintf(buf, sizeof(buf),
                   "GET %s HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\n\r\n", path);

    if (len < 0 || (size_t) len >= sizeof(buf)) {
        return -1;
    }

    n = send(fd, buf, (size_t) len, MSG_NOSIGNAL);

    return (n == len) ? 0 : -1;
}


/* The status code of the answer's first line; 0: it is none. */

static int
edge_health_status(int fd)
{
    char     buf[sizeof("HTTP/1.1 200 ") - 1];
    size_t   size;
    ssize_t  n;

    for (size = 0; size < sizeof(buf); size += (size_t) n) {

        n = recv(fd, buf + size, sizeof(buf) - size, 0);

        if (n <= 0) {
            return 0;
        }
    }

    if (memcmp(buf, "HTTP/1.", 7) != 0 || buf[8] != ' ' || buf[12] != ' ') {
        return 0;
    }

    return (buf[9] - '0') * 100 + (buf[10] - '0') * 10 + (buf[11] - '0');
}
