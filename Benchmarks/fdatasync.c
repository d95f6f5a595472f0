// The yardstick for durable writes: append 4 KiB to a file, fdatasync, again; prints how many a second.
// With "overwrite" the file exists at full length before, as a write-ahead log in steady use does.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { block = 4096, blocks = 4096 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(int fine, const char *what) {
    if (fine) return;
    perror(what);
    exit(1);
}

int main(int count, char **words) {
    if (count != 4) {
        fprintf(stderr, "usage: fdatasync append|overwrite FILE SECONDS\n");
        return 2;
    }
    int overwrite = strcmp(words[1], "overwrite") == 0;
    double seconds = atof(words[3]);
    char data[block];
    memset(data, 'x', sizeof data);
    int file = open(words[2], O_CREAT | O_TRUNC | O_WRONLY, 0600);
    check(file >= 0, "open");
    for (int i = 0; overwrite && i < blocks; i++) check(write(file, data, block) == block, "write");
    check(fsync(file) == 0, "fsync");
    if (overwrite) check(lseek(file, 0, SEEK_SET) == 0, "lseek");

    long commits = 0;
    double start = now();
    while (now() - start < seconds) {
        if (overwrite && commits % blocks == 0) check(lseek(file, 0, SEEK_SET) == 0, "lseek");
        memcpy(data, &commits, sizeof commits);
        check(write(file, data, block) == block, "write");
        check(fdatasync(file) == 0, "fdatasync");
        commits++;
    }
    printf("%.1f\n", (double)commits / (now() - start));
    close(file);
    return 0;
}
