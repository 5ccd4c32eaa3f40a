/*
 * A receiver: verifies each delivery while its body arrives, deals with every event once, and answers
 * as the edge does, so that `nextapi-hook send` can judge it.
 *
 *     cc -o receiver receiver.c $(pkg-config --cflags --libs nextapi_webhook libmicrohttpd)
 *     NEXTAPI_WEBHOOK_SECRET=whsec_anything ./receiver 9000
 *
 * It runs until it is interrupted or terminated. It serves loopback only: in front of it belongs whatever
 * terminates TLS.
 */

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <nextapi_webhook.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_BODY_BYTES 262144
/* More events than can arrive within the ten minutes for which a signature is fresh. */
#define REMEMBERED 1024
/* Seconds within which a body has to arrive, and for which a connection may be silent. The provider gives up
 * after about ten. */
#define PATIENCE_SECONDS 10

/* The clocks; tests have others. One is compared with timestamps, the other never jumps. */
#ifndef CLOCKS
static uint64_t now(void) {
    return (uint64_t)time(NULL);
}

static uint64_t uptime(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec;
}
#endif

static nextapi_webhook_verifier verifier;
/* One thread serves all connections, so neither this nor what follows it needs a lock. */
static nextapi_webhook_event_key window[REMEMBERED];

struct delivery {
    nextapi_webhook_stream stream;
    /* Why the delivery is refused already: a code, or NULL. */
    const char *refused;
    unsigned status;
    uint64_t begun;
    size_t length;
    char body[MAX_BODY_BYTES];
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *format,
                              const char *code) {
    char text[128];
    struct MHD_Response *response;
    enum MHD_Result queued;
    const int length = snprintf(text, sizeof text, format, code);
    response = MHD_create_response_from_buffer((size_t)length, text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL)
        return MHD_NO;
    MHD_add_response_header(response, "Content-Type", "application/json");
    queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static void refuse(struct delivery *delivery, unsigned status, const char *code) {
    if (delivery->refused == NULL) {
        delivery->refused = code;
        delivery->status = status;
    }
}

static void refuse_result(struct delivery *delivery, nextapi_webhook_result result) {
    const char *code = nextapi_webhook_result_code(result);
    refuse(delivery, strcmp(code, "signature_malformed") == 0 ? 400 : 401, code);
}

/* What can be said before the body has arrived. */
static void begin(struct delivery *delivery, struct MHD_Connection *connection) {
    nextapi_webhook_result result;
    const char *header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-NextAPI-Signature");
    if (header == NULL)
        header = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "X-Webhook-Signature");
    if (header == NULL) {
        refuse(delivery, 400, "signature_missing");
        return;
    }
    result = nextapi_webhook_stream_begin(&delivery->stream, &verifier, header, strlen(header));
    if (result != NEXTAPI_WEBHOOK_RESULT_OK)
        refuse_result(delivery, result);
}

static int is_late(const struct delivery *delivery) {
    return uptime() - delivery->begun > PATIENCE_SECONDS;
}

static void take(struct delivery *delivery, const char *piece, size_t length) {
    if (length > sizeof delivery->body - delivery->length)
        refuse(delivery, 413, "body_too_large");
    if (delivery->refused != NULL)
        return;
    memcpy(delivery->body + delivery->length, piece, length);
    delivery->length += length;
    /* What goes wrong here, `finish` says again. */
    nextapi_webhook_stream_update(&delivery->stream, piece, length);
}

/* Deals with an event that is authentic and new: here, says so. Returns whether that succeeded. */
static int deal_with(const nextapi_webhook_verified *verified) {
    nextapi_webhook_event event;
    const nextapi_webhook_result result = nextapi_webhook_event_read(verified, &event);
    if (result == NEXTAPI_WEBHOOK_RESULT_OK)
        printf("%s %s of job %s\n", event.id, *event.event_type ? event.event_type : event.status,
               event.job_id);
    else
        printf("%s, %lu bytes\n", nextapi_webhook_result_code(result), (unsigned long)verified->body_length);
    return fflush(stdout) == 0;
}

static enum MHD_Result finish(struct delivery *delivery, struct MHD_Connection *connection) {
    nextapi_webhook_verified verified;
    nextapi_webhook_event_key key;
    if (is_late(delivery))
        refuse(delivery, 408, "body_timeout");
    if (delivery->refused == NULL) {
        /* The time is that of the end: who holds a body back cannot make its signature last. */
        const nextapi_webhook_result result = nextapi_webhook_stream_finish(&delivery->stream, now(), &verified);
        if (result != NEXTAPI_WEBHOOK_RESULT_OK)
            refuse_result(delivery, result);
    }
    if (delivery->refused != NULL)
        return answer(connection, delivery->status, "{\"error\":{\"code\":\"%s\"}}", delivery->refused);

    /* These are the pieces that the stream has taken in. */
    if (nextapi_webhook_verified_set_body(&verified, delivery->body, delivery->length) !=
            NEXTAPI_WEBHOOK_RESULT_OK ||
        nextapi_webhook_event_key_of(&verified, &key) != NEXTAPI_WEBHOOK_RESULT_OK)
        return MHD_NO;
    if (nextapi_webhook_replay_window_contains(window, REMEMBERED, &key) != NEXTAPI_WEBHOOK_RESULT_OK)
        return answer(connection, 200, "{\"status\":\"%s\"}", "duplicate");
    /* Remembered once it has been dealt with: if that fails, the provider's retry is welcome. */
    if (!deal_with(&verified))
        return answer(connection, 502, "{\"error\":{\"code\":\"%s\"}}", "origin_failed");
    if (nextapi_webhook_replay_window_insert(window, REMEMBERED, &key) != NEXTAPI_WEBHOOK_RESULT_OK)
        return MHD_NO;
    return answer(connection, 200, "{\"status\":\"%s\"}", "forwarded");
}

/* Called once when the headers are there, for each piece of the body, and once behind its end. */
static enum MHD_Result serve(void *closure, struct MHD_Connection *connection, const char *path,
                             const char *method, const char *version, const char *piece, size_t *length,
                             void **request) {
    struct delivery *delivery = *request;
    (void)closure;
    (void)path;
    (void)version;
    if (delivery == NULL) {
        delivery = calloc(1, sizeof *delivery);
        if (delivery == NULL)
            return MHD_NO;
        *request = delivery;
        delivery->begun = uptime();
        if (strcmp(method, "POST") != 0)
            refuse(delivery, 405, "method_not_allowed");
        else
            begin(delivery, connection);
        return MHD_YES;
    }
    if (*length > 0) {
        /* In the middle of a body nothing can be answered: the connection is closed. */
        if (is_late(delivery))
            return MHD_NO;
        take(delivery, piece, *length);
        *length = 0;
        return MHD_YES;
    }
    return finish(delivery, connection);
}

/* A connection that breaks leaves a stream behind: it is wiped before its memory goes. */
static void forget(void *closure, struct MHD_Connection *connection, void **request,
                   enum MHD_RequestTerminationCode code) {
    struct delivery *delivery = *request;
    (void)closure;
    (void)connection;
    (void)code;
    if (delivery == NULL)
        return;
    nextapi_webhook_stream_wipe(&delivery->stream);
    free(delivery);
    *request = NULL;
}

/* The secrets in the environment, newest first, with white space between them. */
static int init(void) {
    nextapi_webhook_secret secrets[NEXTAPI_WEBHOOK_MAX_KEYS + 1];
    size_t count = 0;
    nextapi_webhook_result result;
    char *variable = getenv("NEXTAPI_WEBHOOK_SECRET");
    char *text = variable == NULL ? NULL : strtok(variable, " \t\r\n");
    for (; text != NULL && count <= NEXTAPI_WEBHOOK_MAX_KEYS; text = strtok(NULL, " \t\r\n")) {
        secrets[count].data = text;
        secrets[count].length = strlen(text);
        count++;
    }
    result = nextapi_webhook_verifier_init(&verifier, secrets, count, NEXTAPI_WEBHOOK_TOLERANCE_SECONDS,
                                           NEXTAPI_WEBHOOK_TOLERANCE_SECONDS);
    if (result != NEXTAPI_WEBHOOK_RESULT_OK)
        fprintf(stderr, "NEXTAPI_WEBHOOK_SECRET: %s\n", nextapi_webhook_result_text(result));
    return result == NEXTAPI_WEBHOOK_RESULT_OK;
}

int main(int argc, char **argv) {
    struct sockaddr_in address;
    struct MHD_Daemon *daemon;
    sigset_t stop;
    int signal_number;
    if (argc != 2) {
        fprintf(stderr, "usage: receiver PORT\n");
        return 2;
    }
    if (!init())
        return 2;
    /* Blocked before the server's thread exists, which inherits it, so that they wait for this one. */
    sigemptyset(&stop);
    sigaddset(&stop, SIGINT);
    sigaddset(&stop, SIGTERM);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons((uint16_t)atoi(argv[1]));
    daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, serve, NULL,
                              MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED, forget, NULL,
                              MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)PATIENCE_SECONDS,
                              MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "port %s cannot be served\n", argv[1]);
        return 1;
    }
    printf("http://127.0.0.1:%u/\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    sigwait(&stop, &signal_number);
    MHD_stop_daemon(daemon);
    nextapi_webhook_verifier_wipe(&verifier);
    return 0;
}
