// Loaded before the C library, it notes in the file ORDER what reaches the disk and the network, in this order: a line
// for each fsync, rename and connection.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void note(const char *act, const char *what)
{
    const char *order = getenv("ORDER");
    char line[4096 + 32];
    int length = snprintf(line, sizeof line, "%s %s\n", act, what);
    int file = order ? open(order, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;
    // Without its line the test fails.
    if (file < 0 || write(file, line, (size_t)length) != length) abort();
    close(file);
}

int fsync(int fd)
{
    char link[64], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(fd);
    if (result == 0 && length > 0) note("fsync", path);
    return result;
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *) =
        (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    int result = real(from, to);
    if (result == 0) note("rename", to);
    return result;
}

int connect(int socket, const struct sockaddr *address, socklen_t length)
{
    int (*real)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
    if (address->sa_family == AF_INET || address->sa_family == AF_INET6) note("connect", "");
    return real(socket, address, length);
}
