// The least that asking a daemon can cost: a process that says one line over a Unix socket and hears
// one, while at the other end a file is made and removed.  `floor SOCKET COOKIE` is that other end,
// `floor SOCKET` the process.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char line[64];
    struct sockaddr_un place = {.sun_family = AF_UNIX};
    int is_server = argc == 3;
    int end = socket(AF_UNIX, SOCK_STREAM, 0);
    if (argc < 2 || strlen(argv[1]) >= sizeof place.sun_path || end < 0) return 2;
    strcpy(place.sun_path, argv[1]);
    if (!is_server) {
        if (connect(end, (struct sockaddr *)&place, sizeof place)) return 1;
        return write(end, "ask\n", 4) != 4 || read(end, line, sizeof line) != 5;
    }
    if (bind(end, (struct sockaddr *)&place, sizeof place) || listen(end, 8)) return 1;
    puts("ready");
    fflush(stdout);
    for (;;) {
        int client = accept(end, NULL, NULL);
        if (client < 0) return 1;
        if (read(client, line, sizeof line) > 0) {
            int cookie = open(argv[2], O_CREAT | O_EXCL | O_WRONLY, 0600);
            if (cookie < 0) return 1;
            close(cookie);
            unlink(argv[2]);
            if (write(client, "told\n", 5) != 5) return 1;
        }
        close(client);
    }
}
