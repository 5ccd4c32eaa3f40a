/* Against the example receiver, over sockets: bodies whose end is held back. The arguments are the receiver's
 * port and the file that its clocks are in, see clocks.h. */

#include "check.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECRET "whsec_new"
/* The receiver remembers so many events. */
#define REMEMBERED 1024

static in_port_t port;
static const char *clocks;

/* Renamed into its place: the receiver sees the old clocks or the new ones. */
static void set_clocks(uint64_t now, unsigned uptime) {
    char fresh[4096];
    FILE *file;
    snprintf(fresh, sizeof fresh, "%s.new", clocks);
    file = fopen(fresh, "w");
    CHECK(file != NULL);
    fprintf(file, "%llu %u\n", (unsigned long long)now, uptime);
    CHECK(fclose(file) == 0 && rename(fresh, clocks) == 0);
}

static int connect_to_receiver(void) {
    struct sockaddr_in address;
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = port;
    CHECK(connect(connection, (struct sockaddr *)&address, sizeof address) == 0);
    return connection;
}

static void send_bytes(int connection, const char *bytes, size_t length) {
    CHECK(send(connection, bytes, length, MSG_NOSIGNAL) == (ssize_t)length);
}

/* Waits until what has come contains a text. */
static void await(int connection, const char *text) {
    char answer[1024];
    size_t length = 0;
    do {
        const ssize_t received = recv(connection, answer + length, sizeof answer - 1 - length, 0);
        if (received <= 0) {
            answer[length] = '\0';
            fprintf(stderr, "\"%s\" has not come, but: %s\n", text, answer);
            exit(1);
        }
        length += (size_t)received;
        answer[length] = '\0';
    } while (strstr(answer, text) == NULL);
}

/* Sends the head of a delivery that was signed at that time, and waits until the receiver has seen it. */
static void begin(int connection, const char *body, uint64_t signed_at, int chunked) {
    char signature[NEXTAPI_WEBHOOK_SIGNATURE_SIZE];
    char head[512], length[64];
    snprintf(length, sizeof length, "Content-Length: %lu", (unsigned long)strlen(body));
    GIVES(nextapi_webhook_sign(SECRET, strlen(SECRET), body, strlen(body), signed_at, signature, sizeof signature,
                               NULL),
          OK);
    snprintf(head, sizeof head,
             "POST / HTTP/1.1\r\nHost: localhost\r\nX-NextAPI-Signature: %s\r\n%s\r\n"
             "Expect: 100-continue\r\n\r\n",
             signature, chunked ? "Transfer-Encoding: chunked" : length);
    send_bytes(connection, head, strlen(head));
    await(connection, "100 Continue\r\n\r\n");
}

static void deliver(int connection, const char *body, uint64_t signed_at, const char *answer) {
    begin(connection, body, signed_at, 0);
    send_bytes(connection, body, strlen(body));
    await(connection, answer);
}

/* Who has captured a delivery begins it again while it is fresh, waits until the receiver has forgotten the
 * event, and ends it when it is fresh no more. */
static void replay(void) {
    static const char paid[] = "{\"id\":\"evt_paid\",\"type\":\"job.succeeded\"}";
    const size_t last = sizeof paid - 2;
    const int attacker = connect_to_receiver();
    const int provider = connect_to_receiver();
    unsigned at;
    set_clocks(NOW, 0);
    deliver(provider, paid, NOW, "forwarded");

    set_clocks(NOW + 291, 0);
    begin(attacker, paid, NOW, 0);
    send_bytes(attacker, paid, last);
    for (at = 0; at < REMEMBERED; at++) {
        char other[64];
        snprintf(other, sizeof other, "{\"id\":\"evt_%u\",\"type\":\"job.succeeded\"}", at);
        deliver(provider, other, NOW + 291, "forwarded");
    }
    set_clocks(NOW + 305, 0);
    send_bytes(attacker, paid + last, 1);
    await(attacker, "HTTP/1.1 401 ");
    close(attacker);
    close(provider);
}

/* A body that is not there in time. */
static void dawdle(void) {
    static const char body[] = "{\"id\":\"evt_slow\",\"type\":\"job.succeeded\"}";
    const size_t length = sizeof body - 1;
    char chunk[128], byte;
    int other, connection = connect_to_receiver();
    set_clocks(NOW, 0);
    begin(connection, body, NOW, 0);
    set_clocks(NOW, 10);
    send_bytes(connection, body, length);
    await(connection, "HTTP/1.1 200 ");
    close(connection);

    /* All of it is there, but the end of it comes late. */
    connection = connect_to_receiver();
    begin(connection, body, NOW, 1);
    snprintf(chunk, sizeof chunk, "%lx\r\n%s\r\n", (unsigned long)length, body);
    send_bytes(connection, chunk, strlen(chunk));
    /* One thread serves all connections, so once it has answered another it has taken in the chunk. */
    other = connect_to_receiver();
    deliver(other, body, NOW, "duplicate");
    close(other);
    set_clocks(NOW, 21);
    send_bytes(connection, "0\r\n\r\n", 5);
    await(connection, "HTTP/1.1 408 ");
    close(connection);

    /* Some more comes late, and then nothing: the receiver closes the connection. */
    connection = connect_to_receiver();
    begin(connection, body, NOW, 0);
    set_clocks(NOW, 32);
    send_bytes(connection, body, 5);
    CHECK(recv(connection, &byte, 1, 0) <= 0);
    close(connection);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    port = htons((in_port_t)atoi(argv[1]));
    clocks = argv[2];
    replay();
    dawdle();
    puts("  held back for too long: refused");
    return 0;
}
